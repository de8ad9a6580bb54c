/* clm install: the applets' names beside each other, links to this one file. */
#include "applets/clm/clm.h"

#include "base/file.h"
#include "base/os.h"

#include <string.h>

/* ".exe" where this binary has it. */
static const char *extension_of(const char *path) {
    size_t n = strlen(path);
    bool is_exe = n > 4 && bytes_is_nocase(bytes_text(path + n - 4), ".exe");
    return is_exe ? path + n - 4 : "";
}

static enum err install(struct arena *a, const char *dir, struct fault *f) {
    const char *self = os_self(a);
    if (self == NULL)
        return fault_set(f, ERR_NOT_FOUND, "install", "the path of this binary");
    enum err code = dir_make(dir, 0755, f);
    for (size_t i = 0; clm_applets[i] != NULL && code == ERR_OK; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s%s", clm_applets[i]->name, extension_of(self));
        const char *path = path_join(a, dir, name);
        code = path != NULL ? os_link(self, path, f) : fault_set(f, ERR_MEMORY, "path", "%s", dir);
    }
    return code;
}

static int run(struct env *env, const void *options, const struct opt_common *common) {
    struct fault f = {0};
    (void)options;
    if (common->words.n != 1)
        fault_set(&f, ERR_USAGE, "DIR", "%s",
                  common->words.n == 0 ? "the folder for the links" : "one is enough");
    else if (install(common->arena, common->words.items[0], &f) == ERR_OK)
        return 0;
    return opt_fail(env, common, &f);
}

const struct opt_command clm_install = {
    .name = "install",
    .arguments = "DIR",
    .summary = "make the applets' links in a folder (copies on Windows)",
    .examples = "clm install /usr/local/bin",
    .takes_words = true,
    .run = run,
};
