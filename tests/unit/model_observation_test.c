/* model/observation, model/summary: the one JSON form, strict where it knows, patient where it does
 * not. */
#include "test.h"

#include "model/observation.h"
#include "model/summary.h"

static struct arena arena;

#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* The example of the design, with values. */
static const char line[] =
    "{\"type\":\"observation\",\"scan\":\"s1\",\"target\":\"mail.example.com\",\"kind\":\"tls\","
    "\"host\":\"mail.example.com\",\"ip\":\"198.51.100.7\",\"port\":443,\"path\":null,\"protocol\":"
    "\"tls\","
    "\"sni\":\"mail.example.com\",\"asked\":\"any\",\"time\":\"2026-01-01T00:00:00Z\",\"outcome\":"
    "\"ok\","
    "\"stage\":\"certificate\",\"alert\":null,\"detail\":\"certificate_required\",\"duration_ms\":"
    "12,\"connect_ms\":3,\"bytes\":4711,"
    "\"tls\":{\"version\":\"TLSv1.3\",\"cipher_suite\":\"TLS_AES_128_GCM_SHA256\",\"group\":"
    "\"x25519\",\"alpn\":null,\"ocsp_stapled\":true,\"scts\":2,\"client_certificate\":true,"
    "\"client_ca_names\":[\"CN=A\",\"CN=B\"],\"old_version\":\"TLSv1.1\",\"hybrid_group\":null},"
    "\"chain\":[\"" HASH "\"]}";

static enum err read_text(struct bytes text, struct model_observation *o, struct fault *f) {
    struct json_value v;
    enum err e = json_read(&arena, text, MODEL_OBSERVATION_TOKENS, &v, f);
    return e == ERR_OK ? model_observation_read(&arena, v, o, f) : e;
}

static void expect_json(const struct model_observation *o, const char *text) {
    struct buf out;
    buf_init(&out, 1 << 20);
    struct json j = json_to(&out);
    model_observation_json(&j, NULL, o);
    assert_int_equal(out.n, strlen(text));
    assert_memory_equal(out.p, text, out.n);
    buf_clear(&out);
}

static void reads_and_writes_the_same(void **state) {
    (void)state;
    struct model_observation o;
    struct fault f = {.code = ERR_OK};
    assert_int_equal(read_text(bytes_text(line), &o, &f), ERR_OK);
    assert_text(o.host, "mail.example.com");
    assert_int_equal(o.port, 443);
    assert_int_equal(o.time_s, 1767225600);
    assert_int_equal(o.outcome, MODEL_OK);
    assert_int_equal(o.stage, MODEL_STAGE_CERTIFICATE);
    assert_false(o.has_alert);
    assert_true(o.has_tls);
    assert_text(o.tls.group, "x25519");
    assert_true(o.tls.ocsp_stapled && o.tls.client_certificate && o.has_connect_ms);
    assert_int_equal(o.tls.scts, 2);
    assert_int_equal(o.tls.client_cas_n, 2);
    assert_text(o.tls.client_cas[1], "CN=B");
    assert_text(o.tls.old_version, "TLSv1.1");
    assert_int_equal(o.tls.hybrid_group.n, 0);
    assert_int_equal(o.bytes, 4711);
    assert_int_equal(o.chain_n, 1);
    assert_int_equal(o.chain[0].bytes[1], 0x11);
    assert_int_equal(o.unknown_n, 0);
    expect_json(&o, line);
}

static void writes_files_and_failures(void **state) {
    (void)state;
    struct model_sha256 chain[1] = {{{0}}};
    struct model_observation file = {.scan = bytes_text("s"),
                                     .target = bytes_text("/etc/ssl"),
                                     .kind = MODEL_KIND_FILE,
                                     .path = bytes_text("/etc/ssl/a.pem"),
                                     .stage = MODEL_STAGE_DONE,
                                     .chain = chain,
                                     .chain_n = 1};
    struct model_observation alert = {.scan = bytes_text("s"),
                                      .target = bytes_text("10.0.0.0/24"),
                                      .port = 25,
                                      .protocol = MODEL_SMTP,
                                      .outcome = MODEL_TLS_ALERT,
                                      .stage = MODEL_STAGE_HELLO,
                                      .has_alert = true,
                                      .alert = 40,
                                      .asked = MODEL_ASKED_ML_DSA};
    assert_true(ip_read(bytes_text("10.0.0.5"), &alert.ip));
    expect_json(
        &file, "{\"type\":\"observation\",\"scan\":\"s\",\"target\":\"/etc/"
               "ssl\",\"kind\":\"file\",\"host\":null,\"ip\":null,"
               "\"port\":null,\"path\":\"/etc/ssl/"
               "a.pem\",\"protocol\":null,\"sni\":null,\"asked\":\"any\","
               "\"time\":\"1970-01-01T00:00:00Z\",\"outcome\":\"ok\",\"stage\":\"done\",\"alert\":"
               "null,\"detail\":null,"
               "\"duration_ms\":0,\"connect_ms\":null,\"bytes\":0,\"tls\":null,"
               "\"chain\":[\"0000000000000000000000000000000000000000000000000000000000000000\"]}");
    expect_json(&alert,
                "{\"type\":\"observation\",\"scan\":\"s\",\"target\":\"10.0.0.0/"
                "24\",\"kind\":\"tls\",\"host\":null,"
                "\"ip\":\"10.0.0.5\",\"port\":25,\"path\":null,\"protocol\":\"smtp\","
                "\"sni\":null,\"asked\":\"ml-dsa\","
                "\"time\":\"1970-01-01T00:00:00Z\",\"outcome\":\"tls_alert\",\"stage\":"
                "\"hello\",\"alert\":40,\"detail\":null,"
                "\"duration_ms\":0,\"connect_ms\":null,\"bytes\":0,\"tls\":null,\"chain\":[]}");
}

#define FILE_LINE(file)                                                                            \
    "{\"type\":\"observation\",\"scan\":\"s\",\"target\":\"/"                                      \
    "etc\",\"kind\":\"file\",\"host\":null,"                                                       \
    "\"ip\":null,\"port\":null,\"path\":\"/etc/a.pem\",\"protocol\":null,\"sni\":null,"            \
    "\"asked\":\"any\",\"time\":\"2026-01-01T00:00:00Z\",\"outcome\":\"ok\",\"stage\":\"done\","   \
    "\"alert\":null,\"detail\":null,\"duration_ms\":0,\"connect_ms\":null,\"bytes\":0,\"tls\":"    \
    "null,\"file\":" file ",\"chain\":[\"" HASH "\"]}"
#define FACTS                                                                                      \
    "{\"container\":\"pem\",\"owner\":\"root\",\"owner_id\":0,\"group\":\"ssl-cert\","             \
    "\"group_id\":110,\"mode\":\"0640\",\"modified\":\"2025-12-31T23:59:59Z\",\"size\":1675,"      \
    "\"private_keys\":1}"
#define NO_FACTS                                                                                   \
    "{\"container\":null,\"owner\":null,\"owner_id\":null,\"group\":null,\"group_id\":null,"       \
    "\"mode\":null,\"modified\":\"1970-01-01T00:00:00Z\",\"size\":0,\"private_keys\":0}"

static void facts_of_files_round_trip(void **state) {
    (void)state;
    static const char *const lines[] = {FILE_LINE(FACTS), FILE_LINE(NO_FACTS)};
    struct model_observation o[2];
    struct fault f;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        assert_int_equal(read_text(bytes_text(lines[i]), &o[i], &f), ERR_OK);
        assert_true(o[i].has_file);
        assert_int_equal(o[i].unknown_n, 0);
        expect_json(&o[i], lines[i]);
    }
    assert_text(o[0].file.group, "ssl-cert");
    assert_int_equal(o[0].file.mode, 0640);
    assert_false(model_file_is_open(&o[0].file));
    o[0].file.mode = 0644;
    assert_true(model_file_is_open(&o[0].file));
    assert_int_equal(o[1].file.owner_id, -1);
    assert_int_equal(o[1].file.mode, -1);
    assert_false(model_file_is_open(&o[1].file));
}

static void facts_that_cannot_be_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        FILE_LINE("7"),
        FILE_LINE("{}"),
        FILE_LINE("{\"mode\":\"0999\",\"size\":1,\"private_keys\":0}"),
        FILE_LINE("{\"mode\":\"07777\",\"size\":1,\"private_keys\":0}"),
        FILE_LINE("{\"owner_id\":-5,\"size\":1,\"private_keys\":0}"),
    };
    struct model_observation o;
    struct fault f;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(read_text(bytes_text(bad[i]), &o, &f), ERR_FORMAT);
}

static char *replaced(const char *from, const char *to) {
    const char *at = strstr(line, from);
    assert_non_null(at);
    char *text = arena_alloc(&arena, sizeof line + strlen(to) + 1);
    snprintf(text, sizeof line + strlen(to) + 1, "%.*s%s%s", (int)(at - line), line, to,
             at + strlen(from));
    return text;
}

static void refuses_what_cannot_be(void **state) {
    (void)state;
    static const struct {
        const char *from, *to, *member;
    } cases[] = {
        {"\"observation\"",                                       "\"certificate\"",                "type"       },
        {"\"scan\":\"s1\",",                                      "",                               "scan"       },
        {"\"scan\":\"s1\"",                                       "\"scan\":7",                     "scan"       },
        {"\"target\":\"mail.example.com\"",                       "\"target\":\"\"",                "target"     },
        {"\"kind\":\"tls\"",                                      "\"kind\":\"udp\"",               "kind"       },
        {"\"kind\":\"tls\"",                                      "\"kind\":\"file\"",              "port"       },
        {"\"host\":\"mail.example.com\"",                         "\"host\":\"Mail.example.com\"",  "host"       },
        {"\"host\":\"mail.example.com\",\"ip\":\"198.51.100.7\"", "\"host\":null,\"ip\":null",
         "host"                                                                                                  },
        {"\"ip\":\"198.51.100.7\"",                               "\"ip\":\"198.51.100.777\"",      "ip"         },
        {"\"port\":443",                                          "\"port\":0",                     "port"       },
        {"\"port\":443",                                          "\"port\":65536",                 "port"       },
        {"\"port\":443",                                          "\"port\":-1",                    "port"       },
        {"\"port\":443",                                          "\"port\":4.5",                   "port"       },
        {"\"port\":443",                                          "\"port\":\"443\"",               "port"       },
        {"\"path\":null",                                         "\"path\":\"/x\"",                "path"       },
        {"\"protocol\":\"tls\"",                                  "\"protocol\":null",              "protocol"   },
        {"\"protocol\":\"tls\"",                                  "\"protocol\":\"auto\"",          "protocol"   },
        {"\"sni\":\"mail.example.com\"",                          "\"sni\":\"a b\"",                "sni"        },
        {"\"asked\":\"any\"",                                     "\"asked\":\"dsa\"",              "asked"      },
        {"2026-01-01T00:00:00Z",                                  "2026-13-01T00:00:00Z",           "time"       },
        {"\"outcome\":\"ok\"",                                    "\"outcome\":\"fine\"",           "outcome"    },
        {"\"outcome\":\"ok\"",                                    "\"outcome\":\"no_certificate\"", "chain"      },
        {"\"stage\":\"certificate\"",                             "\"stage\":\"end\"",              "stage"      },
        {"\"alert\":null",                                        "\"alert\":256",                  "alert"      },
        {"\"duration_ms\":12",                                    "\"duration_ms\":null",           "duration_ms"},
        {"\"detail\":\"certificate_required\"",                   "\"detail\":[]",                  "detail"     },
        {"\"tls\":{",                                             "\"tls\":7,\"x\":{",              "tls"        },
        {"\"version\":\"TLSv1.3\"",                               "\"version\":3",                  "version"    },
        {"[\"" HASH "\"]",                                        "[]",                             "chain"      },
        {"[\"" HASH "\"]",                                        "null",                           "chain"      },
        {"[\"" HASH "\"]",                                        "[\"" HASH "00\"]",               "chain"      },
        {"[\"" HASH "\"]",                                        "[7]",                            "chain"      },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct model_observation o = {.port = 7};
        struct fault f = {.code = ERR_OK, .what = ""};
        enum err e = read_text(bytes_text(replaced(cases[i].from, cases[i].to)), &o, &f);
        if (e != ERR_FORMAT || strcmp(f.what, cases[i].member) != 0)
            print_error("%s: %s\n", cases[i].to, f.what);
        assert_int_equal(e, ERR_FORMAT);
        assert_string_equal(f.what, cases[i].member);
        assert_int_equal(o.port, 7);
    }
}

static void counts_what_it_does_not_know(void **state) {
    (void)state;
    struct model_observation o;
    struct fault f;
    assert_int_equal(read_text(bytes_text(replaced("\"alert\":null",
                                                   "\"alert\":null,\"rtt_us\":[1,{}],\"x\":null")),
                               &o, &f),
                     ERR_OK);
    assert_int_equal(o.unknown_n, 2);
    assert_int_equal(read_text(bytes_text(replaced("\"alpn\":null", "\"ech\":true")), &o, &f),
                     ERR_OK);
    assert_int_equal(o.unknown_n, 1);
    expect_json(&o, line);
}

static void every_prefix_fails(void **state) {
    (void)state;
    for (size_t n = 0; n < sizeof line - 1; n++) {
        struct model_observation o;
        assert_int_not_equal(read_text(bytes_of(line, n), &o, NULL), ERR_OK);
    }
}

/* What the writer makes of hostile bytes the reader must take. */
static void hostile_texts_round_trip(void **state) {
    (void)state;
    struct model_observation o, again;
    struct fault f;
    struct buf out;
    uint8_t noise[4000];
    memset(noise, 0xff, sizeof noise);
    assert_int_equal(read_text(bytes_text(line), &o, &f), ERR_OK);
    o.detail = bytes_of(noise, sizeof noise);
    o.tls.alpn = bytes_of(noise, sizeof noise);
    buf_init(&out, 1 << 20);
    struct json j = json_to(&out);
    model_observation_json(&j, NULL, &o);
    assert_int_equal(read_text(buf_bytes(&out), &again, &f), ERR_OK);
    assert_int_equal(again.detail.n, 3 * MODEL_DETAIL_MAX);
    buf_clear(&out);
}

static void tells_its_face(void **state) {
    (void)state;
    struct model_observation o;
    char text[IP_TEXT_MAX];
    assert_int_equal(read_text(bytes_text(line), &o, NULL), ERR_OK);
    struct model_face face = model_observation_face(&o, bytes_text("dc1"), text);
    assert_text(face.endpoint.host, "mail.example.com");
    assert_int_equal(face.endpoint.ip.size, 0);
    assert_int_equal(face.ip.size, 4);
    o.host = bytes_text("");
    assert_true(ip_read(bytes_text("::ffff:127.0.0.1"), &o.ip));
    face = model_observation_face(&o, bytes_text("dc1"), text);
    assert_text(face.endpoint.host, "127.0.0.1");
    assert_true(model_endpoint_is_private(&face.endpoint));
}

static void outcomes_and_stages_have_words(void **state) {
    (void)state;
    bool seen[MODEL_OUTCOME_COUNT] = {false};
    for (unsigned i = 0; i < MODEL_OUTCOME_COUNT; i++) {
        const struct model_outcome_row *row = model_outcome_row((enum model_outcome)i);
        enum model_outcome o;
        assert_true(model_outcome_read(bytes_text(row->name), &o));
        assert_int_equal(o, i);
        assert_true(row->rank < MODEL_OUTCOME_COUNT && !seen[row->rank]);
        seen[row->rank] = true;
        assert_int_equal(model_outcome_best(MODEL_OK, o), MODEL_OK);
        assert_int_equal(model_outcome_best(o, MODEL_NOT_REACHED), o);
    }
    for (unsigned i = 0; i < MODEL_STAGE_COUNT; i++) {
        enum model_stage s;
        assert_true(model_stage_read(bytes_text(model_stage_name((enum model_stage)i)), &s));
        assert_int_equal(s, i);
    }
    assert_int_equal(model_outcome_best(MODEL_TIMEOUT, MODEL_REFUSED), MODEL_REFUSED);
    assert_string_equal(model_outcome_name((enum model_outcome)99), "local");
}

static const char summary[] =
    "{\"type\":\"summary\",\"scan\":\"s1\",\"time\":\"2026-01-01T00:00:00Z\",\"duration_ms\":1500,"
    "\"targets\":1,"
    "\"certificates\":1,\"faces\":{\"tried\":3,\"outcomes\":{\"ok\":2,\"refused\":1}},"
    "\"endpoints\":{\"total\":2,\"states\":{\"ok\":1,\"refused\":1}}}";

static enum err read_summary(struct bytes text, struct model_summary *s, struct fault *f) {
    struct json_value v;
    enum err e = json_read(&arena, text, 200, &v, f);
    return e == ERR_OK ? model_summary_read(&arena, v, s, f) : e;
}

static void summaries_round_trip_and_sum(void **state) {
    (void)state;
    struct model_summary s = {.scan = bytes_text("s1"),
                              .time_s = 1767225600,
                              .duration_ms = 1500,
                              .targets = 1,
                              .certificates = 1};
    struct fault f;
    struct buf out;
    s.faces.total = 3;
    s.endpoints.total = 2;
    model_account_add(&s.faces, MODEL_OK);
    model_account_add(&s.faces, MODEL_OK);
    model_account_add(&s.endpoints, MODEL_OK);
    model_account_add(&s.endpoints, MODEL_REFUSED);
    assert_int_equal(model_summary_check(&s, &f), ERR_CONFLICT); /* a face was forgotten */
    assert_string_equal(f.what, "faces");
    model_account_add(&s.faces, MODEL_REFUSED);
    assert_int_equal(model_summary_check(&s, &f), ERR_OK);
    buf_init(&out, 4096);
    struct json j = json_to(&out);
    model_summary_json(&j, NULL, &s);
    assert_text(bytes_part(buf_bytes(&out), 0, 500), summary);

    struct model_summary again;
    assert_int_equal(read_summary(buf_bytes(&out), &again, &f), ERR_OK);
    assert_memory_equal(&again.faces, &s.faces, sizeof s.faces);
    assert_memory_equal(&again.endpoints, &s.endpoints, sizeof s.endpoints);
    for (size_t n = 0; n < out.n; n++)
        assert_int_not_equal(read_summary(bytes_part(buf_bytes(&out), 0, n), &again, &f), ERR_OK);
    buf_clear(&out);
}

static void summaries_that_do_not_sum_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *from, *to;
        enum err expected;
    } cases[] = {
        {"\"tried\":3",    "\"tried\":4",                ERR_CONFLICT},
        {"\"total\":2",    "\"total\":1",                ERR_CONFLICT},
        {"\"ok\":2",       "\"ok\":9223372036854775807", ERR_CONFLICT},
        {"\"ok\":2",       "\"ok\":-2",                  ERR_FORMAT  },
        {"\"ok\":2",       "\"good\":2",                 ERR_FORMAT  },
        {"\"outcomes\"",   "\"results\"",                ERR_FORMAT  },
        {"\"faces\"",      "\"sides\"",                  ERR_FORMAT  },
        {"\"targets\":1,", "",                           ERR_FORMAT  },
        {"\"targets\":1,", "\"targets\":1,\"hosts\":3,", ERR_OK      },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[1000];
        struct model_summary s;
        struct fault f;
        const char *at = strstr(summary, cases[i].from);
        assert_non_null(at);
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - summary), summary, cases[i].to,
                 at + strlen(cases[i].from));
        assert_int_equal(read_summary(bytes_text(text), &s, &f), cases[i].expected);
        if (cases[i].expected == ERR_OK)
            assert_int_equal(s.unknown_n, 1);
    }
}

static int open_arena(void **state) {
    (void)state;
    arena_init(&arena, (size_t)64 << 20);
    return 0;
}

static int close_arena(void **state) {
    (void)state;
    arena_clear(&arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_writes_the_same),
        cmocka_unit_test(writes_files_and_failures),
        cmocka_unit_test(facts_of_files_round_trip),
        cmocka_unit_test(facts_that_cannot_be_are_refused),
        cmocka_unit_test(refuses_what_cannot_be),
        cmocka_unit_test(counts_what_it_does_not_know),
        cmocka_unit_test(every_prefix_fails),
        cmocka_unit_test(hostile_texts_round_trip),
        cmocka_unit_test(tells_its_face),
        cmocka_unit_test(outcomes_and_stages_have_words),
        cmocka_unit_test(summaries_round_trip_and_sum),
        cmocka_unit_test(summaries_that_do_not_sum_are_refused),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
