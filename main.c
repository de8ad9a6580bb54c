/* clm: one binary, several applets.
 *
 * The name it is called by picks the applet, else the first word does, else it is
 * a command of clm itself. All mutable state of the process stands here: the flag
 * that a signal sets.
 */
#include "applets/applets.h"
#include "base/env.h"
#include "base/os.h"
#include "base/file.h"
#include "base/opt.h"

#include <string.h>

const struct opt_applet *const clm_applets[] = {
    &applet_ers,
    &applet_clm_server,
    &applet_clm_export,
    NULL,
};

static volatile sig_atomic_t stop_signal;

static void on_signal(int signal_number) {
    stop_signal = signal_number;
}

/* "C:\bin\ERS.exe" and "/usr/bin/ers" are both ers. */
static bool is_called(const char *word, const char *name) {
    const char *base = path_base(word);
    size_t n = strlen(base);
    if (n > 4 && bytes_is_nocase(bytes_text(base + n - 4), ".exe"))
        n -= 4;
    return bytes_is_nocase(bytes_of(base, n), name);
}

static const struct opt_applet *applet_named(const char *word) {
    for (size_t i = 0; clm_applets[i] != NULL; i++)
        if (is_called(word, clm_applets[i]->name))
            return clm_applets[i];
    return NULL;
}

static int run(struct env *env, int argc, char **argv) {
    const struct opt_applet *applet = argc > 0 ? applet_named(argv[0]) : NULL;
    if (applet != NULL)
        return opt_main(env, applet, argc, argv);
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        clm_list(env->out);
        return 0;
    }
    applet = applet_named(argv[1]);
    if (applet != NULL)
        return opt_main(env, applet, argc - 1, argv + 1);
    return opt_main(env, &applet_clm, argc, argv);
}

int main(int argc, char **argv) {
    os_start(&argc, &argv);
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    struct env env = env_system(&stop_signal);
    int status = run(&env, argc, argv);
    if (fflush(env.out) != 0 && status == 0)
        status = err_row(ERR_IO)->exit_status;
    return status;
}
