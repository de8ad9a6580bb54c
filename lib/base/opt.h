/* Options, commands and configuration keys as rows: one table feeds parsing,
 * --help, manual pages, completion and `key = value` files.
 *
 * A row's value is stored at `offset` of a struct that the caller owns:
 *   OPT_FLAG bool | OPT_COUNT unsigned | OPT_TEXT const char * | OPT_LIST struct opt_list
 *   OPT_UINT uint64_t | OPT_DURATION uint64_t in ms | OPT_RATE uint64_t a second
 * Texts borrow argv (or the arena, for files).
 */
#ifndef BASE_OPT_H
#define BASE_OPT_H

#include "base/arena.h"
#include "base/env.h"

enum opt_kind {
    OPT_END = 0, /* closes a table */
    OPT_FLAG,
    OPT_COUNT,
    OPT_TEXT,
    OPT_LIST,     /* may be repeated */
    OPT_UINT,     /* "max" is UINT64_MAX */
    OPT_DURATION, /* "5s", "30m"; "max" is UINT64_MAX */
    OPT_RATE,     /* "500/s" or "500"; "max" is UINT64_MAX */
};

struct opt_list {
    const char **items;
    size_t n;
};

struct opt_row {
    enum opt_kind kind;
    char letter;      /* 0: none */
    const char *name; /* without dashes */
    /* How the value is called in help; NULL for flags. "a|b|c", in small letters, are the
     * only words that an OPT_TEXT takes; FILE and DIR are completed as such by shells. */
    const char *value;
    size_t offset;
    const char *help;
};

/* Options of every command; they may stand before or behind the command's name. */
struct opt_common {
    bool help, version, quiet, json;
    unsigned verbose;
    const char *color;     /* auto, always, never */
    const char *config;    /* folder; NULL: the default */
    struct opt_list words; /* what is no option */
    const char *applet, *command;
    struct arena *arena; /* of this call: gone when the command has ended */
};

/* One command of an applet: its file in applets/ holds the row. */
struct opt_command {
    const char *name;      /* NULL closes a table; "" where the applet has but one command */
    const char *arguments; /* "[HOST[:PORT]...]", "add|remove NAME" or "" */
    const char *summary;   /* one line, no full stop */
    const char *examples;  /* lines as typed, "\n" between them */
    const struct opt_row *rows;
    bool takes_words;
    size_t size; /* of the options struct, zeroed, then `defaults`, then parsing */
    void (*defaults)(void *options); /* may be NULL */
    int (*run)(struct env *env, const void *options, const struct opt_common *common);
};

/* A file or folder that an applet uses, for its manual page. */
struct opt_file {
    const char *path;           /* of the system; NULL closes a table */
    const char *what;           /* one line, no full stop */
    const struct opt_row *keys; /* of a `key = value` file; else NULL */
};

struct opt_applet {
    const char *name, *summary;
    const struct opt_command *const *commands; /* NULL closes it */
    const struct opt_file *files;              /* may be NULL */
};

/* The options of every command. */
extern const struct opt_row opt_common_rows[];

/* Is this a choice of words in small letters, "a|b|c" or "add NAME|list"? */
bool opt_is_choice(const char *text);

/* Parses argv (argv[0] is the applet), answers --help and --version, runs the
 * command and returns its exit status. Unknown words: "did you mean ...?", 2. */
int opt_main(struct env *env, const struct opt_applet *applet, int argc, char **argv);

/* `key = value` lines, # comments, into the struct by the rows' names and kinds.
 * ERR_FORMAT names the file, the line and the key. Values live in the arena. */
enum err opt_read_file(struct arena *a, const char *path, const struct opt_row *rows, void *out,
                       struct fault *f) MUST_CHECK;

/* Prints a fault for people ("ers: ...") and returns its exit status. */
int opt_fail(const struct env *env, const struct opt_common *common, const struct fault *f);

bool opt_use_color(const struct opt_common *common, int fd);

#endif
