/* model/target_file: what is read is written back byte for byte; written anew it reads as the same
 * targets. */
#include "model/target_file.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds) {
    if (!holds)
        abort();
}

static struct model_target_file parse(struct arena *a, struct bytes text) {
    struct model_target_file file;
    demand(model_target_file_parse(a, text, "t", &file, NULL) == ERR_OK);
    return file;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct model_target_file file, again;
    struct buf out;
    struct arena a;
    arena_init(&a, (size_t)16 << 20);
    buf_init(&out, (size_t)4 << 20);
    if (model_target_file_parse(&a, bytes_of(data, size), "t", &file, NULL) == ERR_OK) {
        model_target_file_write(&file, &out);
        again = parse(&a, buf_bytes(&out));
        demand(again.targets_n == file.targets_n && again.excluded_n == file.excluded_n);
        for (size_t i = 0; i < file.targets_n; i++) {
            struct model_target t = file.targets[i]; /* each line written anew */
            demand(model_target_file_put(&file, &t, NULL) == ERR_OK);
        }
        buf_reset(&out);
        model_target_file_write(&file, &out);
        again = parse(&a, buf_bytes(&out));
        for (size_t i = 0; i < file.targets_n; i++)
            demand(bytes_equal(file.targets[i].key, again.targets[i].key) &&
                   file.targets[i].has_ports == again.targets[i].has_ports &&
                   model_ports_equal(&file.targets[i].ports, &again.targets[i].ports) &&
                   bytes_equal(file.targets[i].sni, again.targets[i].sni) &&
                   file.targets[i].protocol == again.targets[i].protocol);
        while (file.targets_n > 0)
            demand(model_target_file_remove(&file, file.targets[file.targets_n / 2].key));
    }
    buf_clear(&out);
    arena_clear(&a);
    return 0;
}
