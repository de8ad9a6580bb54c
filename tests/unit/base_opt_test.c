/* base/opt: every form of option, suggestions, help, configuration files. */
#include "test.h"

#include "base/file.h"
#include "base/opt.h"

struct options {
    bool force;
    const char *out;
    struct opt_list ports;
    uint64_t timeout, rate, uses;
};

static const struct opt_row rows[] = {
    {OPT_FLAG,                 'f',      "force",   NULL,                      offsetof(struct options,     force),                                                                              "Force"},
    {OPT_TEXT,                        'o',                         "output",        "FILE", offsetof(struct options,               out),                                                                           "Output"},
    {OPT_LIST,                0,                        "ports",                          "LIST",                                   offsetof(struct options,                                ports),          "Ports"},
    {OPT_DURATION,                  0,                   "timeout",                            "TIME",                                          offsetof(struct options,                    timeout),                                                                   "Timeout"},
    {OPT_RATE, 0, "rate", "RATE",offsetof(struct options,rate),  "Rate"},
    {OPT_UINT,                  0,   "uses",       "N",                                          offsetof(struct options,                                                                                    uses),                                                                                                                                                               "Uses"},
    {OPT_END,                  0,                     NULL, NULL,0,NULL},
};

/* What the command saw: tests are one thread. */
static struct {
    struct options options;
    char words[100];
    unsigned verbose;
    bool json, called;
} seen;

static int remember(struct env *env, const void *options, const struct opt_common *common) {
    (void)env;
    seen.called = true;
    seen.options = *(const struct options *)options;
    seen.verbose = common->verbose;
    seen.json = common->json;
    for (size_t i = 0; i < common->words.n; i++)
        snprintf(seen.words + strlen(seen.words), sizeof seen.words - strlen(seen.words), "%s;",
                 common->words.items[i]);
    if (seen.options.ports.n == 2)
        assert_string_equal(seen.options.ports.items[1], "9-10");
    if (seen.options.out != NULL)
        assert_string_equal(seen.options.out, "x");
    return 42;
}

static void set_defaults(void *options) {
    ((struct options *)options)->timeout = 77;
}

static const struct opt_command scan = {"scan",
                                        "[TARGET...]",
                                        "look",
                                        "ers scan a\ners scan b",
                                        rows,
                                        true,
                                        sizeof(struct options),
                                        set_defaults,
                                        remember};
static const struct opt_command list = {"list", "", "list", "", NULL, false, 0, NULL, remember};
static const struct opt_command *const commands[] = {&scan, &list, NULL};
static const struct opt_applet applet = {"ers", "agent", commands, NULL};

static char output[8192];

/* Words separated by blanks; both streams go to `output`. */
static int call(const char *line) {
    static char words[200];
    char *argv[20];
    int argc = 0;
    snprintf(words, sizeof words, "%s", line);
    for (char *p = words; *p != '\0';) {
        argv[argc++] = p;
        while (*p != '\0' && *p != ' ')
            p++;
        if (*p == ' ')
            *p++ = '\0';
    }
    memset(&seen, 0, sizeof seen);
    FILE *both = tmpfile();
    struct env env = {.out = both, .err = both};
    int status = opt_main(&env, &applet, argc, argv);
    rewind(both);
    size_t n = fread(output, 1, sizeof output - 1, both);
    output[n] = '\0';
    fclose(both);
    return status;
}

static void takes_every_form(void **state) {
    (void)state;
    assert_int_equal(
        call("ers scan a --output=x -vv --ports 1 --ports=9-10 -f --rate 500/s b --json"), 42);
    assert_true(seen.options.force && seen.json);
    assert_int_equal(seen.verbose, 2);
    assert_int_equal(seen.options.ports.n, 2);
    assert_int_equal(seen.options.rate, 500);
    assert_int_equal(seen.options.timeout, 77);
    assert_string_equal(seen.words, "a;b;");
    assert_int_equal(call("ers --json scan -ox --timeout 2m -- --force"), 42);
    assert_int_equal(seen.options.timeout, 120000);
    assert_false(seen.options.force);
    assert_string_equal(seen.words, "--force;");
    assert_int_equal(call("ers scan -fo x -"), 42);
    assert_string_equal(seen.words, "-;");
    assert_int_equal(call("ers scan --timeout max"), 42);
    assert_true(seen.options.timeout == UINT64_MAX);
}

static void refuses_and_suggests(void **state) {
    (void)state;
    static const struct {
        const char *line, *says;
    } cases[] = {
        {"ers scna",               "unknown command: scna (did you mean scan?)"       },
        {"ers scan --outptu x",    "unknown option: --outptu (did you mean --output?)"},
        {"ers scan --zzzzzzzz",    "unknown option: --zzzzzzzz\n"                     },
        {"ers scan -z",            "unknown option: -z"                               },
        {"ers scan --output",      "--output needs a value FILE"                      },
        {"ers scan --timeout 5x",  "--timeout: '5x' is no TIME"                       },
        {"ers scan --uses -1",     "--uses: '-1' is no N"                             },
        {"ers scan --rate 0",      "--rate: '0' is no RATE"                           },
        {"ers scan --force=maybe", "--force: 'maybe'"                                 },
        {"ers list word",          "unexpected word: word"                            },
        {"ers list --color=red",   "--color: 'red' is no auto|always|never"           },
        {"ers",                    "Usage: ers COMMAND"                               },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(call(cases[i].line), 2);
        assert_false(seen.called);
        if (strstr(output, cases[i].says) == NULL)
            fail_msg("%s printed: %s", cases[i].line, output);
    }
}

static void help_shows_examples_first(void **state) {
    (void)state;
    assert_int_equal(call("ers scan --help"), 0);
    char *examples = strstr(output, "  ers scan b\n"),
         *options = strstr(output, "-o, --output FILE");
    assert_non_null(examples);
    assert_non_null(options);
    assert_true(examples < options);
    assert_non_null(strstr(output, "    --timeout TIME"));
    assert_int_equal(call("ers --version"), 0);
    assert_non_null(strstr(output, "ers (clm) "));
}

static void reads_configuration(void **state) {
    (void)state;
    static const struct {
        const char *text, *says; /* NULL: good */
    } cases[] = {
        {"# c\n\nforce = yes\n output=x\r\nuses = 3\n", NULL                          },
        {"force = yes\nfroce = no\n",                   "line 2: unknown key 'froce'" },
        {"\n\nuses\n",                                  "line 3: no '=' behind 'uses'"},
        {"uses = many\n",                               "line 1: bad value of 'uses'" },
        {"",                                            NULL                          },
    };
    struct fault f;
    assert_int_equal(dir_make("build/tmp", 0700, &f), ERR_OK);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arena a;
        struct options o = {0};
        arena_init(&a, 1u << 16);
        assert_int_equal(file_replace("build/tmp/opt.conf", bytes_text(cases[i].text), 0600, &f),
                         ERR_OK);
        enum err code = opt_read_file(&a, "build/tmp/opt.conf", rows, &o, &f);
        assert_int_equal(code, cases[i].says == NULL ? ERR_OK : ERR_FORMAT);
        if (cases[i].says != NULL)
            assert_non_null(strstr(f.detail, cases[i].says));
        if (i == 0)
            assert_true(o.force && o.uses == 3 && strcmp(o.out, "x") == 0);
        arena_clear(&a);
    }
}

static void knows_a_choice(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool is_choice;
    } cases[] = {
        {"auto|always|never",    true },
        {"add NAME|list|link N", true },
        {"DIR|FILE",             false},
        {"FILE|-...",            false},
        {"TIME",                 false},
        {"auto||never",          false},
        {"",                     false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(opt_is_choice(cases[i].text), cases[i].is_choice);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_every_form),
        cmocka_unit_test(refuses_and_suggests),
        cmocka_unit_test(help_shows_examples_first),
        cmocka_unit_test(reads_configuration),
        cmocka_unit_test(knows_a_choice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
