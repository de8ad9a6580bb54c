/* model/observation, summary: lines of strangers. What is read is written and read again the same.
 */
#include "model/summary.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds) {
    if (!holds)
        abort();
}

static void try_observation(struct arena *a, struct json_value v) {
    struct model_observation o, again;
    struct buf first, second;
    char ip[IP_TEXT_MAX];
    struct model_ids ids;
    if (model_observation_read(a, v, &o, NULL) != ERR_OK)
        return;
    buf_init(&first, 1 << 20);
    buf_init(&second, 1 << 20);
    struct json j = json_to(&first);
    model_observation_json(&j, NULL, &o);
    demand(json_read(a, buf_bytes(&first), MODEL_OBSERVATION_TOKENS, &v, NULL) == ERR_OK);
    demand(model_observation_read(a, v, &again, NULL) == ERR_OK);
    j = json_to(&second);
    model_observation_json(&j, NULL, &again);
    demand(bytes_equal(buf_bytes(&first), buf_bytes(&second)));
    struct model_face face = model_observation_face(&o, bytes_text("n"), ip);
    model_face_ids(&face, bytes_text("a"), &ids);
    buf_clear(&first);
    buf_clear(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a;
    struct json_value v;
    struct model_summary s;
    arena_init(&a, (size_t)8 << 20);
    if (json_read(&a, bytes_of(data, size), MODEL_OBSERVATION_TOKENS, &v, NULL) == ERR_OK) {
        try_observation(&a, v);
        if (model_summary_read(&a, v, &s, NULL) == ERR_OK)
            demand(model_summary_check(&s, NULL) == ERR_OK);
    }
    arena_clear(&a);
    return 0;
}
