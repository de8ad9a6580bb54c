/* model/endpoint: identities. The vectors were computed apart, with Python's hashlib,
 * from the byte strings that endpoint.h describes. They stand in stores: never change them. */
#include "hex.h"
#include "test.h"

#include "model/endpoint.h"

static struct model_endpoint tls(const char *network, const char *host, uint16_t port,
                                 enum model_protocol protocol) {
    struct model_endpoint e = {.network = bytes_text(network),
                               .host = bytes_text(host),
                               .port = port,
                               .protocol = protocol};
    (void)(ip_read(e.host, &e.ip) || (e.ip.size = 0));
    return e;
}

static void expect(struct model_endpoint e, const char *agent, const char *id) {
    uint8_t got[MODEL_ID_SIZE];
    model_endpoint_id(&e, bytes_text(agent), got);
    assert_hex(got, sizeof got, id);
}

static void endpoints_have_fixed_identities(void **state) {
    (void)state;
    struct model_endpoint file = {.kind = MODEL_KIND_FILE, .path = bytes_text("/etc/ssl/a.pem")};
    expect(tls("", "mail.example.com", 443, MODEL_TLS), "agent-1",
           "be879a34a7f489b027c261a25692fb4a");
    expect(tls("default", "mail.example.com", 443, MODEL_TLS), "agent-2",
           "be879a34a7f489b027c261a25692fb4a");
    expect(tls("dc1", "10.0.0.5", 8443, MODEL_TLS), "agent-1", "567e3b13e5abda7095aac1c2767faad9");
    expect(tls("dc2", "10.0.0.5", 8443, MODEL_TLS), "agent-2", "8c2fc4b768988de88c731209ad37a9e2");
    expect(tls("dc1", "127.0.0.1", 8443, MODEL_TLS), "agent-1", "4b1dced3fc46b0a5877cf79f8bcae645");
    expect(tls("dc1", "127.0.0.1", 8443, MODEL_TLS), "agent-2", "dc5112c0268a06c8ad65314bf52c89a6");
    expect(tls("dc1", "::1", 25, MODEL_SMTP), "agent-1", "e4766102deb43be7a6f8ea22c87f91b6");
    expect(file, "agent-1", "d48fb76587a67508a06568b0e7e2e266");
}

static void what_one_agent_sees_is_its_own(void **state) {
    (void)state;
    static const struct {
        const char *host;
        bool is_private;
    } hosts[] = {
        {"127.0.0.1",        true },
        {"::1",              true },
        {"localhost",        true },
        {"db.localhost",     true },
        {"169.254.0.1",      true },
        {"fe80::1",          true },
        {"10.0.0.5",         false},
        {"mail.example.com", false},
        {"2001:db8::1",      false},
    };
    for (size_t i = 0; i < COUNT_OF(hosts); i++) {
        struct model_endpoint e = tls("dc1", hosts[i].host, 443, MODEL_TLS);
        uint8_t one[MODEL_ID_SIZE], two[MODEL_ID_SIZE];
        assert_int_equal(model_endpoint_is_private(&e), hosts[i].is_private);
        model_endpoint_id(&e, bytes_text("a1"), one);
        model_endpoint_id(&e, bytes_text("a2"), two);
        assert_int_equal(memcmp(one, two, sizeof one) != 0, hosts[i].is_private);
        e.ip.size = 0; /* also where the address was only given as text */
        assert_int_equal(model_endpoint_is_private(&e), hosts[i].is_private);
    }
    struct model_endpoint store = {.kind = MODEL_KIND_STORE,
                                   .path = bytes_text("LocalMachine\\My")};
    assert_true(model_endpoint_is_private(&store));
}

/* A network called like an agent must not give the agent's endpoints. */
static void scopes_do_not_mix(void **state) {
    (void)state;
    struct model_endpoint shared = tls("x", "10.0.0.1", 443, MODEL_TLS),
                          own = tls("x", "127.0.0.1", 443, MODEL_TLS);
    own.host = shared.host; /* private by its ip, same bytes otherwise */
    uint8_t one[MODEL_ID_SIZE], two[MODEL_ID_SIZE];
    model_endpoint_id(&shared, bytes_text("x"), one);
    model_endpoint_id(&own, bytes_text("x"), two);
    assert_memory_not_equal(one, two, sizeof one);
}

static void faces_have_fixed_identities(void **state) {
    (void)state;
    struct model_face face = {.endpoint = tls("", "mail.example.com", 443, MODEL_TLS),
                              .sni = bytes_text("mail.example.com")};
    struct model_ids ids;
    model_face_ids(&face, bytes_text("agent-1"), &ids);
    assert_hex(ids.face, sizeof ids.face, "83c13ea16610ffa0ae87083a6df9ea1f");
    assert_true(ip_read(bytes_text("198.51.100.7"), &face.ip));
    model_face_ids(&face, bytes_text("agent-1"), &ids);
    assert_hex(ids.face, sizeof ids.face, "d20773482ca4846c3b174d90531364b0");
    assert_true(ip_read(bytes_text("2001:db8::1"), &face.ip));
    face.sni = bytes_text("");
    face.asked = MODEL_ASKED_RSA;
    model_face_ids(&face, bytes_text("agent-1"), &ids);
    assert_hex(ids.face, sizeof ids.face, "c2449fb72483705f2894a6cba1071306");
}

static void writes_places(void **state) {
    (void)state;
    struct buf out;
    struct model_endpoint e = tls("", "mail.example.com", 443, MODEL_TLS);
    struct model_endpoint v6 = tls("", "2001:db8::1", 8443, MODEL_TLS);
    struct model_endpoint file = {.kind = MODEL_KIND_FILE, .path = bytes_text("/etc/a.pem")};
    buf_init(&out, 200);
    model_endpoint_write(&out, &e);
    buf_u8(&out, ' ');
    model_endpoint_write(&out, &v6);
    buf_u8(&out, ' ');
    model_endpoint_write(&out, &file);
    assert_text(buf_bytes(&out), "mail.example.com:443 [2001:db8::1]:8443 /etc/a.pem");
    buf_clear(&out);
}

static void words_round_trip(void **state) {
    (void)state;
    for (unsigned i = 0; i < MODEL_KIND_COUNT; i++) {
        enum model_kind k;
        assert_true(model_kind_read(bytes_text(model_kind_name((enum model_kind)i)), &k));
        assert_int_equal(k, i);
    }
    for (unsigned i = 0; i < MODEL_ASKED_COUNT; i++) {
        enum model_asked a;
        assert_true(model_asked_read(bytes_text(model_asked_name((enum model_asked)i)), &a));
        assert_int_equal(a, i);
    }
    enum model_kind k;
    enum model_asked a;
    assert_false(model_kind_read(bytes_text("TLS"), &k));
    assert_false(model_asked_read(bytes_text(""), &a));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endpoints_have_fixed_identities),
        cmocka_unit_test(what_one_agent_sees_is_its_own),
        cmocka_unit_test(scopes_do_not_mix),
        cmocka_unit_test(faces_have_fixed_identities),
        cmocka_unit_test(writes_places),
        cmocka_unit_test(words_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
