/* Options and commands from rows. See opt.h. */
#include "base/opt.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/os.h"
#include "base/text.h"
#include "base/version.h"

#include <stdlib.h>
#include <string.h>

enum { ARENA_MAX = 64 << 20, FILE_MAX = 1 << 20, LIST_MAX = 65536 };

#define AT(member) offsetof(struct opt_common, member)
const struct opt_row opt_common_rows[] = {
    {OPT_FLAG,  'h', "help",    NULL,                AT(help),    "Show this text"                             },
    {OPT_FLAG,  'V', "version", NULL,                AT(version), "Show version, build and packages"           },
    {OPT_FLAG,  'q', "quiet",   NULL,                AT(quiet),   "Only errors"                                },
    {OPT_COUNT, 'v', "verbose", NULL,                AT(verbose), "Say more; may be repeated"                  },
    {OPT_FLAG,  0,   "json",    NULL,                AT(json),    "Output for machines, one JSON object a line"},
    {OPT_TEXT,  0,   "color",   "auto|always|never", AT(color),
     "Colours; auto: where standard output is a terminal"                                                      },
    {OPT_TEXT,  0,   "config",  "DIR",               AT(config),  "Folder of the configuration"                },
    {OPT_END,   0,   NULL,      NULL,                0,           NULL                                         },
};
#undef AT

struct parse {
    struct env *env;
    struct opt_common common;
    const struct opt_applet *applet;
    const struct opt_command *command;
    char *options; /* of the command */
    struct fault fault;
};

/* ---- values ---- */

static bool list_add(struct arena *a, struct opt_list *list, const char *item) {
    if (list->n % 16 == 0) {
        const char **items = arena_array(a, list->n + 16, sizeof *items);
        if (items == NULL || list->n >= LIST_MAX)
            return false;
        for (size_t i = 0; i < list->n; i++)
            items[i] = list->items[i];
        list->items = items;
    }
    list->items[list->n++] = item;
    return true;
}

static bool read_rate(struct bytes text, uint64_t *out) {
    if (text.n > 2 && bytes_is(bytes_part(text, text.n - 2, 2), "/s"))
        text.n -= 2;
    return number_read(text, UINT32_MAX, out) && *out > 0;
}

static bool read_quantity(enum opt_kind kind, struct bytes text, uint64_t *out) {
    if (bytes_is(text, "max")) {
        *out = UINT64_MAX;
        return true;
    }
    switch (kind) {
    case OPT_DURATION:
        return duration_read(text, out);
    case OPT_RATE:
        return read_rate(text, out);
    default:
        return number_read(text, UINT64_MAX, out);
    }
}

static bool read_flag(struct bytes text, bool *out) {
    bool yes =
        text.n == 0 || bytes_is(text, "yes") || bytes_is(text, "true") || bytes_is(text, "on");
    bool no = bytes_is(text, "no") || bytes_is(text, "false") || bytes_is(text, "off");
    *out = yes;
    return yes || no;
}

bool opt_is_choice(const char *text) {
    struct cur c = cur_open(bytes_text(text));
    bool is_choice = strchr(text, '|') != NULL;
    while (c.rest.n > 0) {
        struct cur alternative = cur_open(cur_until(&c, '|'));
        struct bytes word = cur_until(&alternative, ' ');
        is_choice = is_choice && word.n > 0;
        for (size_t i = 0; i < word.n; i++)
            is_choice = is_choice && word.p[i] >= 'a' && word.p[i] <= 'z';
    }
    return is_choice;
}

/* A choice allows its words and no other; any other kind of name allows all. */
static bool is_allowed(const char *choices, const char *value) {
    if (choices == NULL || !opt_is_choice(choices))
        return true;
    struct cur c = cur_open(bytes_text(choices));
    while (c.rest.n > 0)
        if (bytes_is(cur_until(&c, '|'), value))
            return true;
    return false;
}

/* Stores `value` where the row says; "" for flags. False: no such value. */
static bool store_value(struct arena *a, const struct opt_row *row, char *base, const char *value) {
    void *at = base + row->offset;
    switch (row->kind) {
    case OPT_FLAG:
        return read_flag(bytes_text(value), at);
    case OPT_COUNT:
        ++*(unsigned *)at;
        return true;
    case OPT_TEXT:
        *(const char **)at = value;
        return is_allowed(row->value, value);
    case OPT_LIST:
        return list_add(a, at, value);
    case OPT_UINT:
    case OPT_DURATION:
    case OPT_RATE:
        return read_quantity(row->kind, bytes_text(value), at);
    case OPT_END:
        break;
    }
    return false;
}

static bool needs_value(const struct opt_row *row) {
    return row->kind != OPT_FLAG && row->kind != OPT_COUNT;
}

/* ---- suggestions ---- */

struct near {
    const char *word, *best;
    unsigned distance;
};

static void near_offer(struct near *near, const char *candidate) {
    unsigned d = text_distance(near->word, candidate);
    if (d < near->distance && d < strlen(near->word)) {
        near->distance = d;
        near->best = candidate;
    }
}

static enum err refuse_word(struct parse *p, const char *what, const char *dashes,
                            const struct near *near) {
    if (near->best == NULL)
        return fault_set(&p->fault, ERR_USAGE, what, "%s%s", dashes, near->word);
    return fault_set(&p->fault, ERR_USAGE, what, "%s%s (did you mean %s%s?)", dashes, near->word,
                     dashes, near->best);
}

static void near_rows(struct near *near, const struct opt_row *rows) {
    for (; rows != NULL && rows->kind != OPT_END; rows++)
        near_offer(near, rows->name);
}

static void near_commands(struct near *near, const struct opt_applet *applet) {
    for (const struct opt_command *const *c = applet->commands; *c != NULL; c++)
        near_offer(near, (*c)->name);
}

/* ---- parsing ---- */

static const struct opt_row *row_named(const struct opt_row *rows, struct bytes name) {
    for (; rows != NULL && rows->kind != OPT_END; rows++)
        if (bytes_is(name, rows->name))
            return rows;
    return NULL;
}

static const struct opt_row *row_lettered(const struct opt_row *rows, char letter) {
    for (; rows != NULL && rows->kind != OPT_END; rows++)
        if (rows->letter == letter && letter != '\0')
            return rows;
    return NULL;
}

struct found {
    const struct opt_row *row;
    char *base;
};

static struct found find_long(struct parse *p, struct bytes name) {
    const struct opt_row *row = p->command != NULL ? row_named(p->command->rows, name) : NULL;
    if (row != NULL)
        return (struct found){row, p->options};
    return (struct found){row_named(opt_common_rows, name), (char *)&p->common};
}

static struct found find_letter(struct parse *p, char letter) {
    const struct opt_row *row = p->command != NULL ? row_lettered(p->command->rows, letter) : NULL;
    if (row != NULL)
        return (struct found){row, p->options};
    return (struct found){row_lettered(opt_common_rows, letter), (char *)&p->common};
}

static enum err store_found(struct parse *p, struct found found, const char *value) {
    if (value == NULL)
        return fault_set(&p->fault, ERR_USAGE, "option", "--%s needs a value %s", found.row->name,
                         found.row->value);
    if (!store_value(p->common.arena, found.row, found.base, value))
        return fault_set(&p->fault, ERR_USAGE, "option", "--%s: '%s' is no %s", found.row->name,
                         value, found.row->value != NULL ? found.row->value : "yes or no");
    return ERR_OK;
}

/* --name, --name=value, --name value. Moves *i past the value. */
static enum err take_long(struct parse *p, int argc, char **argv, int *i) {
    const char *word = argv[*i] + 2;
    const char *equals = strchr(word, '=');
    size_t n = equals != NULL ? (size_t)(equals - word) : strlen(word);
    struct found found = find_long(p, bytes_of(word, n));
    if (found.row == NULL) {
        struct near near = {arena_cstr(p->common.arena, bytes_of(word, n)), NULL, 3};
        near_rows(&near, p->command != NULL ? p->command->rows : NULL);
        near_rows(&near, opt_common_rows);
        return refuse_word(p, "unknown option", "--", &near);
    }
    if (equals != NULL)
        return store_found(p, found, equals + 1);
    if (!needs_value(found.row))
        return store_found(p, found, "");
    return store_found(p, found, *i + 1 < argc ? argv[++*i] : NULL);
}

/* -v, -vv, -oFILE, -o FILE. */
static enum err take_short(struct parse *p, int argc, char **argv, int *i) {
    for (const char *letter = argv[*i] + 1; *letter != '\0'; letter++) {
        struct found found = find_letter(p, *letter);
        if (found.row == NULL)
            return fault_set(&p->fault, ERR_USAGE, "unknown option", "-%c", *letter);
        if (needs_value(found.row)) {
            const char *value = letter[1] != '\0' ? letter + 1 : NULL;
            if (value == NULL && *i + 1 < argc)
                value = argv[++*i];
            return store_found(p, found, value);
        }
        enum err code = store_found(p, found, "");
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

static bool is_option(const char *word) {
    return word[0] == '-' && word[1] != '\0';
}

static enum err open_command(struct parse *p, const struct opt_command *command) {
    p->command = command;
    p->common.command = command->name;
    p->options = arena_alloc(p->common.arena, command->size + 1);
    if (p->options == NULL)
        return fault_set(&p->fault, ERR_MEMORY, "options", "%s", command->name);
    if (command->defaults != NULL)
        command->defaults(p->options);
    return ERR_OK;
}

static enum err choose_command(struct parse *p, const char *word) {
    for (const struct opt_command *const *c = p->applet->commands; *c != NULL; c++)
        if (strcmp((*c)->name, word) == 0)
            return open_command(p, *c);
    struct near near = {word, NULL, 3};
    near_commands(&near, p->applet);
    return refuse_word(p, "unknown command", "", &near);
}

static enum err take_word(struct parse *p, const char *word) {
    if (p->command == NULL)
        return choose_command(p, word);
    if (!p->command->takes_words)
        return fault_set(&p->fault, ERR_USAGE, "unexpected word", "%s", word);
    if (!list_add(p->common.arena, &p->common.words, word))
        return fault_set(&p->fault, ERR_LIMIT, "words", "%zu", p->common.words.n);
    return ERR_OK;
}

static enum err parse_words(struct parse *p, int argc, char **argv) {
    bool options_end = false;
    enum err code = ERR_OK;
    if (p->applet->commands[0] != NULL && p->applet->commands[0]->name[0] == '\0')
        code = open_command(p, p->applet->commands[0]);
    for (int i = 1; i < argc && code == ERR_OK; i++) {
        if (!options_end && strcmp(argv[i], "--") == 0)
            options_end = true;
        else if (!options_end && strncmp(argv[i], "--", 2) == 0)
            code = take_long(p, argc, argv, &i);
        else if (!options_end && is_option(argv[i]))
            code = take_short(p, argc, argv, &i);
        else
            code = take_word(p, argv[i]);
    }
    return code;
}

/* ---- help ---- */

static void print_rows(FILE *out, const char *title, const struct opt_row *rows) {
    if (rows == NULL || rows->kind == OPT_END)
        return;
    fprintf(out, "\n%s\n", title);
    for (; rows->kind != OPT_END; rows++) {
        char left[64];
        snprintf(left, sizeof left, "%c%c%s--%s%s%s", rows->letter != 0 ? '-' : ' ',
                 rows->letter != 0 ? rows->letter : ' ', rows->letter != 0 ? ", " : "  ",
                 rows->name, rows->value != NULL ? " " : "",
                 rows->value != NULL ? rows->value : "");
        fprintf(out, "  %-28s  %s\n", left, rows->help);
    }
}

static void print_examples(FILE *out, const char *examples) {
    if (examples == NULL || examples[0] == '\0')
        return;
    fputs("\nExamples\n", out);
    struct cur c = cur_open(bytes_text(examples));
    while (c.rest.n > 0) {
        struct bytes line = cur_until(&c, '\n');
        fprintf(out, "  %.*s\n", (int)line.n, (const char *)line.p);
    }
}

static void print_commands(FILE *out, const struct opt_applet *applet) {
    fputs("\nCommands\n", out);
    for (const struct opt_command *const *c = applet->commands; *c != NULL; c++)
        fprintf(out, "  %-14s  %s\n", (*c)->name, (*c)->summary);
}

static void print_help(FILE *out, const struct parse *p) {
    const struct opt_command *c = p->command;
    if (c == NULL) {
        fprintf(out, "%s: %s\n\nUsage: %s COMMAND [OPTION...]\n", p->applet->name,
                p->applet->summary, p->applet->name);
        print_commands(out, p->applet);
        fprintf(out, "\n%s COMMAND --help tells more.\n", p->applet->name);
    } else {
        bool sole = c->name[0] == '\0';
        fprintf(out, "%s%s%s: %s\n", p->applet->name, sole ? "" : " ", c->name, c->summary);
        print_examples(out, c->examples);
        fprintf(out, "\nUsage: %s%s%s [OPTION...] %s\n", p->applet->name, sole ? "" : " ", c->name,
                c->arguments);
        print_rows(out, "Options", c->rows);
    }
    print_rows(out, "Options of every command", opt_common_rows);
}

static int print_version(const struct parse *p) {
    if (p->common.json)
        fprintf(p->env->out, "{\"name\":\"clm\",\"version\":\"%s\",\"build\":\"%s\"}\n",
                CLM_VERSION, CLM_TARGET);
    else
        fprintf(p->env->out, "%s (clm) %s %s\n", p->applet->name, CLM_VERSION, CLM_TARGET);
    return 0;
}

/* ---- running ---- */

int opt_fail(const struct env *env, const struct opt_common *common, const struct fault *f) {
    char text[FAULT_DETAIL_MAX + 200];
    bool sub = common->command != NULL && common->command[0] != '\0';
    fprintf(env->err, "%s%s%s: %s\n", common->applet, sub ? " " : "", sub ? common->command : "",
            fault_text(f, text, sizeof text));
    return err_row(f->code)->exit_status;
}

bool opt_use_color(const struct opt_common *common, int fd) {
    if (common->color != NULL && strcmp(common->color, "always") == 0)
        return true;
    if (common->color != NULL && strcmp(common->color, "never") == 0)
        return false;
    const char *no_color = getenv("NO_COLOR");
    return os_is_ansi(fd) && (no_color == NULL || no_color[0] == '\0');
}

static int run_parsed(struct parse *p) {
    if (p->common.help || p->common.version) {
        if (p->common.version)
            return print_version(p);
        print_help(p->env->out, p);
        return 0;
    }
    if (p->command == NULL) {
        print_help(p->env->err, p);
        return err_row(ERR_USAGE)->exit_status;
    }
    if (p->common.quiet)
        p->env->log_level = LOG_ERROR;
    else if (p->common.verbose > 0)
        p->env->log_level = LOG_DEBUG;
    return p->command->run(p->env, p->options, &p->common);
}

int opt_main(struct env *env, const struct opt_applet *applet, int argc, char **argv) {
    struct arena arena;
    arena_init(&arena, ARENA_MAX);
    struct parse p = {.env = env, .applet = applet};
    p.common.arena = &arena;
    p.common.applet = applet->name;
    int status;
    if (parse_words(&p, argc, argv) == ERR_OK) {
        status = run_parsed(&p);
    } else {
        status = opt_fail(env, &p.common, &p.fault);
        fprintf(env->err, "%s%s%s --help tells more.\n", applet->name,
                p.command != NULL && p.command->name[0] != '\0' ? " " : "",
                p.command != NULL ? p.command->name : "");
    }
    arena_clear(&arena);
    return status;
}

/* ---- key = value files ---- */

static enum err take_line(struct arena *a, const char *path, unsigned number, struct bytes line,
                          const struct opt_row *rows, char *out, struct fault *f) {
    struct cur c = cur_open(line);
    struct bytes key = bytes_trim(cur_until(&c, '='));
    bool has_equals = key.n < line.n && memchr(line.p, '=', line.n) != NULL;
    const struct opt_row *row = row_named(rows, key);
    if (row == NULL || !has_equals)
        return fault_set(f, ERR_FORMAT, "configuration", "%s line %u: %s '%.*s'", path, number,
                         row == NULL ? "unknown key" : "no '=' behind",
                         (int)(key.n < 60 ? key.n : 60), (const char *)key.p);
    const char *value = arena_cstr(a, bytes_trim(c.rest));
    if (value == NULL || !store_value(a, row, out, value))
        return fault_set(f, ERR_FORMAT, "configuration", "%s line %u: bad value of '%s'", path,
                         number, row->name);
    return ERR_OK;
}

enum err opt_read_file(struct arena *a, const char *path, const struct opt_row *rows, void *out,
                       struct fault *f) {
    struct buf text;
    buf_init(&text, FILE_MAX);
    enum err code = file_read(path, &text, f);
    struct cur c = cur_open(buf_bytes(&text));
    for (unsigned number = 1; c.rest.n > 0 && code == ERR_OK; number++) {
        struct bytes line = bytes_trim(cur_until(&c, '\n'));
        if (line.n > 0 && line.p[0] != '#')
            code = take_line(a, path, number, line, rows, out, f);
    }
    buf_clear(&text);
    return code;
}
