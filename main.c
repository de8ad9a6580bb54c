/* clm: one binary, several applets.
 *
 * The name it is called by picks the applet, else the first word does. All
 * mutable state of the process stands here: the flag that a signal sets.
 */
#include "base/env.h"
#include "base/os.h"
#include "base/file.h"
#include "base/opt.h"
#include "base/text.h"
#include "base/version.h"

#include <string.h>

static const struct opt_applet *const applets[] = {
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
    for (size_t i = 0; applets[i] != NULL; i++)
        if (is_called(word, applets[i]->name))
            return applets[i];
    return NULL;
}

static enum err install_links(struct arena *a, const char *dir, struct fault *f) {
    const char *self = os_self(a);
    if (self == NULL)
        return fault_set(f, ERR_NOT_FOUND, "install", "the path of this binary");
    const char *extension = is_called(self, path_base(self)) && strstr(self, ".exe") ? ".exe" : "";
    enum err code = dir_make(dir, 0755, f);
    for (size_t i = 0; applets[i] != NULL && code == ERR_OK; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s%s", applets[i]->name, extension);
        code = os_link(self, path_join(a, dir, name), f);
    }
    return code;
}

static int install(struct env *env, int argc, char **argv) {
    if (argc != 2) {
        fputs("clm install: usage: clm install DIR\n", env->err);
        return err_row(ERR_USAGE)->exit_status;
    }
    struct arena a;
    struct fault f;
    char text[FAULT_DETAIL_MAX + 100];
    arena_init(&a, 1u << 16);
    enum err code = install_links(&a, argv[1], &f);
    if (code != ERR_OK)
        fprintf(env->err, "clm install: %s\n", fault_text(&f, text, sizeof text));
    arena_clear(&a);
    return err_row(code)->exit_status;
}

static void list_applets(FILE *out) {
    fprintf(out, "clm %s, one binary with these applets:\n\n", CLM_VERSION);
    for (size_t i = 0; applets[i] != NULL; i++)
        fprintf(out, "  %-12s %s\n", applets[i]->name, applets[i]->summary);
    fputs("\nCall it by an applet's name (clm install DIR makes the links), or: clm APPLET ...\n",
          out);
}

static int run(struct env *env, int argc, char **argv) {
    const struct opt_applet *applet = argc > 0 ? applet_named(argv[0]) : NULL;
    if (applet != NULL)
        return opt_main(env, applet, argc, argv);
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        list_applets(env->out);
        return 0;
    }
    applet = applet_named(argv[1]);
    if (applet != NULL)
        return opt_main(env, applet, argc - 1, argv + 1);
    if (strcmp(argv[1], "install") == 0)
        return install(env, argc - 1, argv + 1);
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        fprintf(env->out, "clm %s %s\n", CLM_VERSION, CLM_TARGET);
        return 0;
    }
    fprintf(env->err, "clm: no applet '%s'\n\n", argv[1]);
    list_applets(env->err);
    return err_row(ERR_USAGE)->exit_status;
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
