/* web/auth: the users and tokens files; what is read is written and read the same. */
#include "web/auth/auth_private.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void users(struct bytes in) {
    struct user_list list, again;
    struct fault f;
    struct buf out;
    if (users_read(in, &list, &f) != ERR_OK)
        return;
    buf_init(&out, AUTH_FILE_MAX);
    users_write(&list, &out);
    if (out.err == ERR_OK &&
        (users_read(buf_bytes(&out), &again, &f) != ERR_OK || again.n != list.n ||
         memcmp(again.rows, list.rows, list.n * sizeof list.rows[0]) != 0))
        abort();
    if (out.err == ERR_OK)
        free(again.rows);
    free(list.rows);
    buf_clear(&out);
}

static void tokens(struct bytes in) {
    struct token_list list, again;
    struct fault f;
    struct buf out;
    if (tokens_read(in, &list, &f) != ERR_OK)
        return;
    buf_init(&out, AUTH_FILE_MAX);
    tokens_write(&list, &out);
    if (out.err == ERR_OK &&
        (tokens_read(buf_bytes(&out), &again, &f) != ERR_OK || again.n != list.n))
        abort();
    if (out.err == ERR_OK)
        free(again.rows);
    free(list.rows);
    buf_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    users(bytes_of(data, size));
    tokens(bytes_of(data, size));
    return 0;
}
