/* The commands of clm under its own name. See clm.h. */
#include "applets/clm/clm.h"

#include "base/version.h"
#include "base/zip.h"

#include <string.h>

static const struct opt_command *const commands[] = {
    &clm_install, &clm_man, &clm_completion, &clm_licenses, NULL,
};

const struct opt_applet applet_clm = {
    .name = "clm",
    .summary = "certificate discovery and lifecycle, one binary",
    .commands = commands,
};

const struct opt_applet *clm_applet_named(const char *name) {
    if (strcmp(name, applet_clm.name) == 0)
        return &applet_clm;
    for (size_t i = 0; clm_applets[i] != NULL; i++)
        if (strcmp(clm_applets[i]->name, name) == 0)
            return clm_applets[i];
    return NULL;
}

void clm_list(FILE *out) {
    fprintf(out, "clm %s, one binary with these applets:\n\n", CLM_VERSION);
    for (size_t i = 0; clm_applets[i] != NULL; i++)
        fprintf(out, "  %-12s %s\n", clm_applets[i]->name, clm_applets[i]->summary);
    fputs("\nand commands of its own:\n\n", out);
    for (size_t i = 0; commands[i] != NULL; i++)
        fprintf(out, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\nCall it by an applet's name (clm install DIR makes the links), or: clm APPLET ...\n",
          out);
}

enum err clm_text_read(const char *name, struct buf *out, struct fault *f) {
    for (size_t i = 0; i < clm_texts_n; i++) {
        const struct clm_text *t = &clm_texts[i];
        if (strcmp(t->name, name) != 0)
            continue;
        enum err code = gzip_unpack(bytes_of(t->packed, t->packed_n), out);
        return code == ERR_OK ? ERR_OK : fault_set(f, code, "text", "%s", name);
    }
    return fault_set(f, ERR_NOT_FOUND, "text", "%s", name);
}
