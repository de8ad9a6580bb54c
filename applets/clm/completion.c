/* clm completion: a script for a shell, its table printed from the rows of base/opt.h.
 *
 * Each script (completion.bash and so on, embedded) has one line "@ROWS@", whose place
 * the table takes. Fields are separated by tabs, an empty one is "-":
 *
 *   C APPLET COMMAND SUMMARY                      a command; "-" where the applet has but one
 *   O APPLET COMMAND OPTION KIND WORDS HELP       an option; "*" twice: of every command
 *   A APPLET COMMAND KIND WORDS                   what stands behind the command
 *
 * KIND is flag, text, files, dirs, hosts, words (these WORDS), or applets (an applet and
 * a command of it). `clm` has the applets among its commands.
 */
#include "applets/clm/clm.h"

#include <string.h>

enum { SCRIPT_MAX = 1 << 20 };

static const struct shell {
    const char *name, *script;
    bool quoted; /* the table stands between single quotes: \ and ' are escaped */
} shells[] = {
    {"bash",       "completion.bash", false},
    {"zsh",        "completion.zsh",  false},
    {"fish",       "completion.fish", true },
    {"powershell", "completion.ps1",  false},
};

/* ---- the table ---- */

static void put_field(struct buf *out, const char *text, char end) {
    buf_text(out, text != NULL && text[0] != '\0' ? text : "-");
    buf_u8(out, (uint8_t)end);
}

/* The words between the bars: "add NAME|list" offers add and list. */
static void put_words(struct buf *out, const char *choices, char end) {
    struct cur c = cur_open(bytes_text(choices));
    if (c.rest.n == 0)
        buf_u8(out, '-');
    while (c.rest.n > 0) {
        struct cur choice = cur_open(cur_until(&c, '|'));
        buf_put(out, cur_until(&choice, ' '));
        buf_text(out, c.rest.n > 0 ? " " : "");
    }
    buf_u8(out, (uint8_t)end);
}

static const char *value_kind(const struct opt_row *row) {
    if (row->kind == OPT_FLAG || row->kind == OPT_COUNT)
        return "flag";
    if (row->value == NULL)
        return "text";
    if (opt_is_choice(row->value))
        return "words";
    return strstr(row->value, "FILE") != NULL ? "files"
           : strcmp(row->value, "DIR") == 0   ? "dirs"
                                              : "text";
}

static void put_option(struct buf *out, const char *applet, const char *command,
                       const struct opt_row *row, const char *option) {
    const char *kind = value_kind(row);
    put_field(out, "O", '\t');
    put_field(out, applet, '\t');
    put_field(out, command, '\t');
    put_field(out, option, '\t');
    put_field(out, kind, '\t');
    put_words(out, strcmp(kind, "words") == 0 ? row->value : "", '\t');
    put_field(out, row->help, '\n');
}

static void put_options(struct buf *out, const char *applet, const char *command,
                        const struct opt_row *rows) {
    for (; rows != NULL && rows->kind != OPT_END; rows++) {
        char name[64], letter[] = {'-', rows->letter, '\0'};
        snprintf(name, sizeof name, "--%s", rows->name);
        put_option(out, applet, command, rows, name);
        if (rows->letter != '\0')
            put_option(out, applet, command, rows, letter);
    }
}

/* `arguments` where it is a choice of verbs, "create|revoke ID|list"; else "". */
static const char *choices_of(const struct opt_command *command) {
    return opt_is_choice(command->arguments) ? command->arguments : "";
}

static const char *word_kind(const struct opt_command *command) {
    static const struct {
        const char *in, *kind;
    } kinds[] = {
        {"APPLET", "applets"},
        {"FILE",   "files"  },
        {"DIR",    "dirs"   },
        {"HOST",   "hosts"  },
        {"TARGET", "hosts"  },
    };
    if (!command->takes_words)
        return "flag";
    if (choices_of(command)[0] != '\0')
        return "words";
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strstr(command->arguments, kinds[i].in) != NULL)
            return kinds[i].kind;
    return "text";
}

static void put_command(struct buf *out, const char *applet, const char *command,
                        const char *summary) {
    put_field(out, "C", '\t');
    put_field(out, applet, '\t');
    put_field(out, command, '\t');
    put_field(out, summary, '\n');
}

static void put_applet(struct buf *out, const struct opt_applet *applet) {
    for (const struct opt_command *const *c = applet->commands; *c != NULL; c++) {
        put_command(out, applet->name, (*c)->name, (*c)->summary);
        put_options(out, applet->name, (*c)->name, (*c)->rows);
        put_field(out, "A", '\t');
        put_field(out, applet->name, '\t');
        put_field(out, (*c)->name, '\t');
        put_field(out, word_kind(*c), '\t');
        put_words(out, choices_of(*c), '\n');
    }
}

static void put_table(struct buf *out) {
    for (size_t i = 0; clm_applets[i] != NULL; i++)
        put_command(out, applet_clm.name, clm_applets[i]->name, clm_applets[i]->summary);
    put_applet(out, &applet_clm);
    for (size_t i = 0; clm_applets[i] != NULL; i++)
        put_applet(out, clm_applets[i]);
    put_options(out, "*", "*", opt_common_rows);
}

/* ---- the script ---- */

static void put_quoted(struct buf *out, struct bytes text, bool quoted) {
    for (size_t i = 0; i < text.n; i++) {
        if (quoted && (text.p[i] == '\\' || text.p[i] == '\''))
            buf_u8(out, '\\');
        buf_u8(out, text.p[i]);
    }
}

static enum err put_script(struct buf *out, const struct shell *shell, struct fault *f) {
    static const char place[] = "@ROWS@\n";
    struct buf script, table;
    buf_init(&script, SCRIPT_MAX);
    buf_init(&table, SCRIPT_MAX);
    put_table(&table);
    enum err code = clm_text_read(shell->script, &script, f);
    struct bytes text = buf_bytes(&script);
    size_t at = bytes_find(text, bytes_text(place));
    if (code == ERR_OK && (at == SIZE_MAX || table.err != ERR_OK))
        code = fault_set(f, ERR_FAILED, "completion", "%s", shell->script);
    if (code == ERR_OK) {
        buf_put(out, bytes_part(text, 0, at));
        put_quoted(out, buf_bytes(&table), shell->quoted);
        buf_put(out, bytes_part(text, at + sizeof place - 1, text.n));
    }
    buf_clear(&script);
    buf_clear(&table);
    return code == ERR_OK && out->err != ERR_OK ? fault_set(f, out->err, "completion", "%s", "")
                                                : code;
}

static const struct shell *shell_named(const struct opt_list *words) {
    for (size_t i = 0; words->n == 1 && i < sizeof shells / sizeof shells[0]; i++)
        if (strcmp(words->items[0], shells[i].name) == 0)
            return &shells[i];
    return NULL;
}

static int run(struct env *env, const void *options, const struct opt_common *common) {
    const struct shell *shell = shell_named(&common->words);
    struct fault f = {0};
    struct buf out;
    (void)options;
    buf_init(&out, SCRIPT_MAX);
    enum err code = shell == NULL
                        ? fault_set(&f, ERR_USAGE, "which shell", "bash, zsh, fish or powershell")
                        : put_script(&out, shell, &f);
    if (code == ERR_OK && fwrite(out.p, 1, out.n, env->out) != out.n)
        code = fault_set(&f, ERR_IO, "write", "standard output");
    buf_clear(&out);
    return code == ERR_OK ? 0 : opt_fail(env, common, &f);
}

const struct opt_command clm_completion = {
    .name = "completion",
    .arguments = "bash|zsh|fish|powershell",
    .summary = "print the completion of commands and options for a shell",
    .examples = "source <(clm completion bash)\n"
                "clm completion fish > ~/.config/fish/completions/clm.fish\n"
                "clm completion powershell | Out-String | Invoke-Expression",
    .takes_words = true,
    .run = run,
};
