/* clm-server checkpoint: the signed head of the log, to be kept elsewhere. See server.h. */
#include "applets/clm-server/server.h"

#include "base/file.h"

struct checkpoint_options {
    const char *data, *out;
};

/* clang-format off */
static const struct opt_row rows[] = {
    {OPT_TEXT, 0, "data", "DIR",  offsetof(struct checkpoint_options, data), "Folder of the store"},
    {OPT_TEXT, 0, "out",  "FILE", offsetof(struct checkpoint_options, out),  "Write there, not to standard output"},
    {OPT_END,  0, NULL,   NULL,   0, NULL},
};
/* clang-format on */

static int run(struct env *env, const void *options, const struct opt_common *common) {
    const struct checkpoint_options *o = options;
    struct fault f = {0};
    struct buf note;
    buf_init(&note, CHECKPOINT_NOTE_MAX);
    enum err code = admin_call(env, common, o->data, HTTP_GET, API_ROOT "/log/checkpoint",
                               bytes_of(NULL, 0), &note, &f);
    if (code == ERR_OK && o->out)
        code = file_replace(o->out, buf_bytes(&note), 0644, &f);
    else if (code == ERR_OK)
        fwrite(note.p, 1, note.n, env->out);
    buf_clear(&note);
    return code == ERR_OK ? 0 : opt_fail(env, common, &f);
}

const struct opt_command clm_server_checkpoint = {
    .name = "checkpoint",
    .arguments = "",
    .summary = "print the signed head of the log: kept elsewhere, it shows later that nothing was "
               "changed",
    .examples = "clm-server checkpoint > checkpoint.txt\n"
                "clm-export --verify --checkpoint checkpoint.txt",
    .rows = rows,
    .size = sizeof(struct checkpoint_options),
    .run = run,
};
