/* clm man: manual pages (man(7)) printed from the rows of base/opt.h.
 *
 * No date stands in them: the same build prints the same pages. They need nothing
 * but the rows, so a page cannot tell an option that is not there.
 */
#include "applets/clm/clm.h"

#include "base/file.h"
#include "base/version.h"

#include <string.h>

enum { PAGE_MAX = 1 << 20 };

struct man_options {
    const char *into;
};

/* ---- roff ---- */

/* Text as it is: what roff would take for its own, or set in curls, is escaped. */
static void put(struct buf *out, const char *text) {
    static const struct {
        char plain;
        const char *roff;
    } escapes[] = {
        {'\\', "\\e"  },
        {'-',  "\\-"  },
        {'\'', "\\(aq"},
        {'`',  "\\(ga"},
        {'^',  "\\(ha"},
        {'~',  "\\(ti"},
    };
    if (text[0] == '.')
        buf_text(out, "\\&");
    for (; *text != '\0'; text++) {
        const char *roff = NULL;
        for (size_t i = 0; i < sizeof escapes / sizeof escapes[0]; i++)
            if (escapes[i].plain == *text)
                roff = escapes[i].roff;
        if (roff != NULL)
            buf_text(out, roff);
        else
            buf_u8(out, (uint8_t)*text);
    }
}

/* A summary or a help text as a sentence. */
static void put_sentence(struct buf *out, const char *text) {
    if (text[0] >= 'a' && text[0] <= 'z') {
        buf_u8(out, (uint8_t)(text[0] - 'a' + 'A'));
        text++;
    }
    put(out, text);
    buf_text(out, ".\n");
}

static void put_bold(struct buf *out, const char *text) {
    buf_text(out, "\\fB");
    put(out, text);
    buf_text(out, "\\fR");
}

static bool is_sole(const struct opt_command *command) {
    return command->name[0] == '\0';
}

/* "ers-scan": the name of a page. */
static void page_name(const struct opt_applet *applet, const struct opt_command *command,
                      char *name, size_t size) {
    bool sub = command != NULL && !is_sole(command);
    snprintf(name, size, "%s%s%s", applet->name, sub ? "-" : "", sub ? command->name : "");
}

/* ---- sections ---- */

static void put_head(struct buf *out, const char *name, const char *summary) {
    buf_text(out, ".TH \"");
    for (const char *p = name; *p != '\0'; p++)
        buf_u8(out, (uint8_t)(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p));
    buf_printf(out, "\" 1 \"\" \"clm %s\" \"clm manual\"\n.SH NAME\n", CLM_VERSION);
    put(out, name);
    buf_text(out, " \\- ");
    put(out, summary);
    buf_text(out, "\n");
}

static void put_rows(struct buf *out, const struct opt_row *rows) {
    for (; rows != NULL && rows->kind != OPT_END; rows++) {
        char letter[] = {'-', rows->letter, '\0'}, name[64];
        snprintf(name, sizeof name, "--%s", rows->name);
        buf_text(out, ".TP\n");
        if (rows->letter != '\0') {
            put_bold(out, letter);
            buf_text(out, ", ");
        }
        put_bold(out, name);
        if (rows->value != NULL) {
            buf_text(out, " \\fI");
            put(out, rows->value);
            buf_text(out, "\\fR");
        }
        buf_text(out, "\n");
        put_sentence(out, rows->help);
    }
}

static void put_options(struct buf *out, const struct opt_command *command) {
    bool has_own = command->rows != NULL && command->rows->kind != OPT_END;
    buf_text(out, ".SH OPTIONS\n");
    put_rows(out, command->rows);
    if (has_own)
        buf_text(out, ".SS Options of every command\n");
    put_rows(out, opt_common_rows);
}

static void put_examples(struct buf *out, const struct opt_command *command) {
    if (command->examples == NULL || command->examples[0] == '\0')
        return;
    buf_text(out, ".SH EXAMPLES\n.EX\n");
    for (const char *line = command->examples; *line != '\0';) {
        char text[256];
        size_t n = strcspn(line, "\n");
        snprintf(text, sizeof text, "%.*s", (int)n, line);
        put(out, text);
        buf_text(out, "\n");
        line += n + (line[n] == '\n');
    }
    buf_text(out, ".EE\n");
}

/* One line a status: the first row of the table that has it. */
static void put_exit_status(struct buf *out) {
    buf_text(out, ".SH EXIT STATUS\n");
    for (int status = 0; status < 256; status++)
        for (int code = 0; code < ERR_COUNT; code++) {
            const struct err_row *row = err_row((enum err)code);
            if (row->exit_status != status)
                continue;
            buf_printf(out, ".TP\n.B %d\n", status);
            put_sentence(out, row->text);
            break;
        }
}

static void put_keys(struct buf *out, const struct opt_row *rows) {
    if (rows == NULL)
        return;
    buf_text(out,
             "Lines of\n.IR key \" = \" value ;\nlines that begin with # are comments.\n.RS\n");
    for (; rows->kind != OPT_END; rows++) {
        buf_text(out, ".TP\n");
        put_bold(out, rows->name);
        buf_text(out, " = \\fI");
        put(out, rows->value != NULL ? rows->value : "yes|no");
        buf_text(out, "\\fR\n");
        put_sentence(out, rows->help);
    }
    buf_text(out, ".RE\n");
}

static void put_files(struct buf *out, const struct opt_file *files) {
    if (files == NULL)
        return;
    buf_text(out, ".SH FILES\n");
    for (; files->path != NULL; files++) {
        buf_text(out, ".TP\n");
        put_bold(out, files->path);
        buf_text(out, "\n");
        put_sentence(out, files->what);
        put_keys(out, files->keys);
    }
    buf_text(out, ".PP\nThese are the places for root and for services. Other users have\n"
                  ".I $XDG_CONFIG_HOME/clm\nand\n.IR $XDG_STATE_HOME/clm ,\nWindows has\n"
                  ".IR %ProgramData%\\eclm .\n");
}

/* The comma of the one before stands on that one's line. */
static void put_reference(struct buf *out, const char *name, unsigned *n) {
    buf_text(out, (*n)++ > 0 ? ",\n.BR " : ".BR ");
    put(out, name);
    buf_text(out, " (1)");
}

static void put_commands_of(struct buf *out, const struct opt_applet *applet, unsigned *n) {
    char name[128];
    for (const struct opt_command *const *c = applet->commands; *c != NULL; c++) {
        page_name(applet, *c, name, sizeof name);
        if (!is_sole(*c))
            put_reference(out, name, n);
    }
}

/* From an applet to its commands, from a command to its applet, from clm to all. */
static void put_see_also(struct buf *out, const struct opt_applet *applet, bool is_command) {
    unsigned n = 0;
    buf_text(out, ".SH SEE ALSO\n");
    if (is_command)
        put_reference(out, applet->name, &n);
    else
        put_commands_of(out, applet, &n);
    if (applet != &applet_clm)
        put_reference(out, applet_clm.name, &n);
    for (size_t i = 0; applet == &applet_clm && !is_command && clm_applets[i] != NULL; i++)
        put_reference(out, clm_applets[i]->name, &n);
    buf_text(out, "\n");
}

static void put_command(struct buf *out, const char *applet, const struct opt_command *command) {
    buf_text(out, ".TP\n.B ");
    put(out, applet);
    buf_text(out, " ");
    put(out, command->name);
    if (command->arguments[0] != '\0') {
        buf_text(out, " ");
        put(out, command->arguments);
    }
    buf_text(out, "\n");
    put_sentence(out, command->summary);
}

static void put_applets(struct buf *out) {
    buf_text(out, ".SH APPLETS\n");
    for (size_t i = 0; clm_applets[i] != NULL; i++) {
        buf_text(out, ".TP\n.B ");
        put(out, clm_applets[i]->name);
        buf_text(out, "\n");
        put_sentence(out, clm_applets[i]->summary);
    }
}

static void put_applet_page(struct buf *out, const struct opt_applet *applet) {
    put_head(out, applet->name, applet->summary);
    buf_text(out, ".SH SYNOPSIS\n");
    put_bold(out, applet->name);
    buf_text(out, " \\fICOMMAND\\fR [\\fIOPTION\\fR...]\n");
    if (applet == &applet_clm) {
        buf_text(out, ".br\n\\fBclm\\fR \\fIAPPLET\\fR [\\fICOMMAND\\fR] [\\fIOPTION\\fR...]\n");
        put_applets(out);
    }
    buf_text(out, ".SH COMMANDS\n");
    for (const struct opt_command *const *c = applet->commands; *c != NULL; c++)
        put_command(out, applet->name, *c);
    buf_text(out, ".SH OPTIONS\n");
    put_rows(out, opt_common_rows);
    put_exit_status(out);
    put_files(out, applet->files);
    put_see_also(out, applet, false);
}

static void put_command_page(struct buf *out, const struct opt_applet *applet,
                             const struct opt_command *command) {
    char name[128], typed[128];
    page_name(applet, command, name, sizeof name);
    snprintf(typed, sizeof typed, "%s%s%s", applet->name, is_sole(command) ? "" : " ",
             command->name);
    put_head(out, name, command->summary);
    buf_text(out, ".SH SYNOPSIS\n");
    put_bold(out, typed);
    buf_text(out, " [\\fIOPTION\\fR...]");
    if (command->arguments[0] != '\0') {
        buf_text(out, " ");
        put(out, command->arguments);
    }
    buf_text(out, "\n");
    put_options(out, command);
    put_examples(out, command);
    put_exit_status(out);
    put_files(out, applet->files);
    put_see_also(out, applet, !is_sole(command));
}

void clm_man_page(struct buf *out, const struct opt_applet *applet,
                  const struct opt_command *command) {
    if (command == NULL && applet->commands[0] != NULL && is_sole(applet->commands[0]))
        command = applet->commands[0];
    if (command == NULL)
        put_applet_page(out, applet);
    else
        put_command_page(out, applet, command);
}

/* ---- the command ---- */

static const struct opt_command *command_named(const struct opt_applet *applet, const char *name) {
    for (const struct opt_command *const *c = applet->commands; *c != NULL; c++)
        if (strcmp((*c)->name, name) == 0)
            return *c;
    return NULL;
}

static enum err print_page(const struct env *env, const struct opt_applet *applet,
                           const struct opt_command *command, struct fault *f) {
    struct buf page;
    buf_init(&page, PAGE_MAX);
    clm_man_page(&page, applet, command);
    enum err code = ERR_OK;
    if (page.err != ERR_OK || fwrite(page.p, 1, page.n, env->out) != page.n)
        code = fault_set(f, page.err != ERR_OK ? page.err : ERR_IO, "page", "%s", applet->name);
    buf_clear(&page);
    return code;
}

static enum err write_page(struct arena *a, const char *dir, const struct opt_applet *applet,
                           const struct opt_command *command, struct fault *f) {
    char name[128], file[136];
    struct buf page;
    buf_init(&page, PAGE_MAX);
    clm_man_page(&page, applet, command);
    page_name(applet, command, name, sizeof name);
    snprintf(file, sizeof file, "%s.1", name);
    const char *path = path_join(a, dir, file);
    enum err code = page.err == ERR_OK && path != NULL
                        ? file_replace(path, buf_bytes(&page), 0644, f)
                        : fault_set(f, ERR_MEMORY, "page", "%s", name);
    buf_clear(&page);
    return code;
}

static enum err write_pages(struct arena *a, const char *dir, const struct opt_applet *applet,
                            struct fault *f) {
    enum err code = write_page(a, dir, applet, NULL, f);
    for (const struct opt_command *const *c = applet->commands; *c != NULL && code == ERR_OK; c++)
        if (!is_sole(*c))
            code = write_page(a, dir, applet, *c, f);
    return code;
}

static enum err write_all(struct arena *a, const char *dir, struct fault *f) {
    enum err code = dir_make(dir, 0755, f);
    if (code == ERR_OK)
        code = write_pages(a, dir, &applet_clm, f);
    for (size_t i = 0; clm_applets[i] != NULL && code == ERR_OK; i++)
        code = write_pages(a, dir, clm_applets[i], f);
    return code;
}

static enum err print_named(const struct env *env, const struct opt_list *words, struct fault *f) {
    const char *name = words->n > 0 ? words->items[0] : applet_clm.name;
    const struct opt_applet *applet = clm_applet_named(name);
    if (applet == NULL)
        return fault_set(f, ERR_USAGE, "no applet", "%s", name);
    const struct opt_command *command = NULL;
    if (words->n > 1 && (command = command_named(applet, words->items[1])) == NULL)
        return fault_set(f, ERR_USAGE, "no command", "%s %s", name, words->items[1]);
    return words->n > 2 ? fault_set(f, ERR_USAGE, "unexpected word", "%s", words->items[2])
                        : print_page(env, applet, command, f);
}

static int run(struct env *env, const void *options, const struct opt_common *common) {
    const struct man_options *o = options;
    struct fault f = {0};
    enum err code;
    if (o->into != NULL && common->words.n > 0)
        code = fault_set(&f, ERR_USAGE, "--into", "writes all pages: name none");
    else if (o->into != NULL)
        code = write_all(common->arena, o->into, &f);
    else
        code = print_named(env, &common->words, &f);
    return code == ERR_OK ? 0 : opt_fail(env, common, &f);
}

static const struct opt_row rows[] = {
    {OPT_TEXT, 0, "into", "DIR",  offsetof(struct man_options, into),
     "Write all pages into this folder, as NAME.1"},
    {OPT_END,        0,   NULL, NULL, 0,                        NULL                           },
};

const struct opt_command clm_man = {
    .name = "man",
    .arguments = "[APPLET [COMMAND]]",
    .summary = "print a manual page",
    .examples = "clm man ers | man -l -\n"
                "clm man ers scan | man -l -\n"
                "clm man --into /usr/local/share/man/man1",
    .rows = rows,
    .takes_words = true,
    .size = sizeof(struct man_options),
    .run = run,
};
