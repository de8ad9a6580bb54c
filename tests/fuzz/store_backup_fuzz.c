/* store/backup: the manifest, and the container of secrets. What is read is written the same. */
#include "store/backup/backup.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void manifest(struct arena *a, struct bytes in) {
    struct backup_manifest m, again;
    struct buf out;
    buf_init(&out, 4 << 20);
    if (backup_manifest_read(a, in, &m, NULL) == ERR_OK) {
        backup_manifest_write(&m, &out);
        if (backup_manifest_read(a, buf_bytes(&out), &again, NULL) != ERR_OK ||
            again.files_n != m.files_n || again.entries != m.entries ||
            again.has_secrets != m.has_secrets || strcmp(again.server, m.server) != 0)
            abort();
    }
    buf_clear(&out);
}

static void secrets(struct bytes in) {
    struct cur c = cur_open(in);
    struct bytes name, content;
    struct buf out;
    char text[BACKUP_NAME_MAX + 1];
    buf_init(&out, 4 << 20);
    while (backup_secret_take(&c, &name, &content)) {
        memcpy(text, name.p, name.n);
        text[name.n] = '\0';
        backup_secret_put(&out, text, content);
    }
    if (cur_end(&c) && !bytes_equal(buf_bytes(&out), in))
        abort();
    buf_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a;
    arena_init(&a, 128 << 20);
    manifest(&a, bytes_of(data, size));
    secrets(bytes_of(data, size));
    arena_clear(&a);
    return 0;
}
