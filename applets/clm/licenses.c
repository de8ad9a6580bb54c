/* clm licenses: the licence of clm, and those of all that is linked into it. */
#include "applets/clm/clm.h"

enum { TEXT_MAX = 4 << 20 };

static int run(struct env *env, const void *options, const struct opt_common *common) {
    static const char *const names[] = {"LICENSE", "licenses.txt"};
    struct fault f = {0};
    struct buf text;
    enum err code = ERR_OK;
    (void)options;
    buf_init(&text, TEXT_MAX);
    for (size_t i = 0; i < sizeof names / sizeof names[0] && code == ERR_OK; i++) {
        code = clm_text_read(names[i], &text, &f);
        buf_text(&text, "\n");
    }
    if (code == ERR_OK && fwrite(text.p, 1, text.n, env->out) != text.n)
        code = fault_set(&f, ERR_IO, "write", "standard output");
    buf_clear(&text);
    return code == ERR_OK ? 0 : opt_fail(env, common, &f);
}

const struct opt_command clm_licenses = {
    .name = "licenses",
    .arguments = "",
    .summary = "print the licences of clm and of the packages in it",
    .examples = "clm licenses | less",
    .run = run,
};
