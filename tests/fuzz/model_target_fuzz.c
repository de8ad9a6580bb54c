/* model/target, list, ports: words of the command line. What is taken has one form, which is taken
 * again unchanged. */
#include "model/target_file.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds) {
    if (!holds)
        abort();
}

static void try_target(struct arena *a, struct bytes in) {
    struct model_target t, again;
    struct model_ports nine = model_ports_default();
    struct model_count count;
    struct model_unfold unfold;
    struct model_endpoint e;
    bool dropped;
    if (model_target_read(a, in, MODEL_FORMS_LINE | MODEL_FORM_URL, &t, &dropped, NULL) != ERR_OK)
        return;
    demand(model_target_read(a, t.key, MODEL_FORMS_LINE, &again, NULL, NULL) == ERR_OK);
    demand(bytes_equal(t.key, again.key) && t.kind == again.kind);
    if (model_target_check(&t, NULL) != ERR_OK)
        return;
    demand(model_target_count(&t, &nine, NULL, &count) == ERR_OK);
    model_unfold_open(&unfold, &t, &nine, &(struct model_exclusions){&t, 1});
    demand(!model_unfold_next(&unfold, &e) || t.has_ports);
    model_unfold_open(&unfold, &t, &nine, NULL);
    for (int i = 0; i < 20 && model_unfold_next(&unfold, &e); i++)
        demand(e.kind == MODEL_KIND_FILE || e.port != 0);
}

static void try_ports(struct arena *a, struct bytes in) {
    struct model_ports p, again;
    struct buf text;
    if (model_ports_read(a, in, &p, NULL) != ERR_OK)
        return;
    buf_init(&text, 1 << 20);
    model_ports_write(&text, &p);
    demand(model_ports_read(a, buf_bytes(&text), &again, NULL) == ERR_OK &&
           model_ports_equal(&p, &again));
    buf_clear(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bytes in = bytes_of(data, size);
    struct model_items items = {NULL, 0, 0};
    struct arena a;
    arena_init(&a, 1 << 20);
    try_target(&a, in);
    try_ports(&a, in);
    if (bytes_find(in, bytes_text("@")) == SIZE_MAX) /* no files from here */
        (void)(model_list_read(&a, in, MODEL_BLANKS_SEPARATE, NULL, &items, NULL) == ERR_OK);
    arena_clear(&a);
    return 0;
}
