/* One face: connect, dialogue, hello, certificates, goodbye, observation.
 *
 * States, by what is set: `conn` and not `connected`: connecting. `connected` and
 * talk_is_before_tls: the dialogue before the hello. Else the hello of `shape` is out, its
 * answers are fed to `harvest`. `told`: the outcome is known and reported, `harvest` and
 * dialogue are gone, connections may linger to leave politely. When it is told and
 * `conns` is 0 the face is freed.
 *
 *   connecting --connected--> dialogue --done, or there is none--> hello
 *   hello --chain, failure, time--> told
 *   hello --broken by the hello, a plainer one left--> connecting (next shape)
 *   hello --a greeting instead of TLS--> listening --> connecting (for its protocol)
 *   dialogue --another protocol, or TLS at once, was shown--> connecting (for that)
 *
 * A connection that no longer counts (`face->conn` is another, or none) only tells
 * that it is gone: lib/net says nothing else of a connection that is being left.
 */
#include "probe/inner.h"

#include <stdlib.h>
#include <string.h>

/* Servers up to TLS 1.2 send more behind the certificates. So long we read on. */
enum { DAWDLE_MS = 1000, ALERT_UNRECOGNIZED_NAME = 112 };

/* Servers of mail let strangers wait for the greeting, to be rid of those that do not
 * (Postfix's postscreen: 6 s). Once connected they have that many times the time-out. */
enum { MAIL_PATIENCE = 2 };

static uint64_t now_ms(const struct face *face) {
    return net_loop_now_ms(face->run->loop);
}

static uint64_t left_ms(const struct face *face) {
    uint64_t spent = now_ms(face) - face->start_ms, all = face->run->limits.timeout_ms;
    all *= face->is_patient ? MAIL_PATIENCE : 1;
    return spent < all ? all - spent : 0;
}

static bool free_if_through(struct face *face) {
    if (!face->told || face->conns > 0)
        return false;
    run_face_gone(face->run, face);
    free(face);
    return true;
}

/* ---- the observation ---- */

static struct bytes text_or_none(const char *text) {
    return text ? bytes_text(text) : (struct bytes){0};
}

/* The leaf's row; a leaf that does not parse makes the outcome. */
static const struct probe_certificate *fill_chain(struct run *r, struct model_observation *o,
                                                  const struct tls_result *result) {
    const struct probe_certificate *leaf = NULL;
    for (size_t i = 0; i < result->chain_n; i++) {
        seen_hash(&r->seen, result->chain[i], i == 0, r->chain[i].bytes);
        const struct probe_certificate *c =
            seen_add(&r->seen, result->chain[i], r->chain[i].bytes, r->watch);
        if (i == 0)
            leaf = c;
        if (c && !c->readable && o->detail.n == 0)
            o->detail = bytes_text(i == 0 ? "the certificate does not parse"
                                          : "a certificate of the chain does not parse");
    }
    if (result->chain_sent > result->chain_n && o->detail.n == 0)
        o->detail = bytes_text("more certificates than are kept of one chain");
    o->chain = r->chain;
    o->chain_n = result->chain_n;
    if (leaf && !leaf->readable)
        o->outcome = MODEL_BAD_CERTIFICATE;
    return leaf;
}

static void fill_checks(struct model_observation *o, const struct face *face) {
    if (!o->has_tls || !face->is_base)
        return;
    o->tls.old_version = text_or_none(face->site->check.old_version);
    o->tls.hybrid_group = text_or_none(face->site->check.hybrid_group);
    if (face->site->check.step != CHECK_NONE)
        o->duration_ms = face->site->check.found_ms;
}

/* The connection no longer counts, nor what was said on it. */
static void forget(struct face *face) {
    tls_harvest_close(face->harvest);
    face->harvest = NULL;
    talk_reset(&face->talk);
}

/* A second look is news only where it shows another certificate. */
static bool is_hidden(const struct face *face, const struct probe_certificate *leaf) {
    return face->view.look > 0 && (!leaf || site_has_shown(face->site, leaf->sha256));
}

static void tell(struct face *face, const struct finding *finding) {
    struct run *r = face->run;
    const struct tls_result *result = face->harvest ? tls_harvest_result(face->harvest) : NULL;
    const struct model_endpoint *e = &face->place->shown.endpoint;
    const struct probe_certificate *leaf = NULL;
    bool is_address = e->ip.size > 0;
    struct model_observation o = {
        .scan = r->plan->scan,
        .target = face->place->shown.target->key,
        .kind = e->kind,
        .host = is_address ? (struct bytes){0} : e->host,
        .ip = face->ip,
        .port = e->port,
        .path = e->path,
        .protocol = face->talk.protocol,
        .sni = face->shape == TLS_SHAPE_OLD ? (struct bytes){0} : face->view.sni,
        .asked = face->view.asked,
        .time_s = face->start_s,
        .outcome = finding->outcome,
        .stage = finding->stage,
        .has_alert = finding->alert >= 0,
        .alert = (uint8_t)(finding->alert >= 0 ? finding->alert : 0),
        .detail = text_or_none(finding->detail),
        .duration_ms = now_ms(face) - face->start_ms,
        .has_connect_ms = face->has_connected,
        .connect_ms = face->connect_ms,
        .bytes = face->bytes,
    };
    if (result) {
        arena_reset(&r->facts);
        facts_fill(&r->facts, result, &o);
        fill_checks(&o, face);
        leaf = fill_chain(r, &o, result);
    }
    bool hidden = is_hidden(face, leaf);
    face->told = true;
    if (r->watch->observation && !hidden)
        r->watch->observation(r->watch->context, &o, &face->place->shown, leaf);
    if (face->site)
        site_learn(face->site, face, o.outcome, result, leaf ? leaf->sha256 : NULL);
    forget(face);
    if (hidden)
        run_face_hidden(r, face);
    else
        run_face_told(r, face, o.outcome);
}

/* ---- what a harvest came to ---- */

static enum model_outcome outcome_of(enum tls_outcome outcome) {
    switch (outcome) {
    case TLS_OUTCOME_OK:
        return MODEL_OK;
    case TLS_OUTCOME_CLOSED:
        return MODEL_CLOSED;
    case TLS_OUTCOME_NOT_TLS:
        return MODEL_NOT_TLS;
    case TLS_OUTCOME_TLS_ALERT:
        return MODEL_TLS_ALERT;
    case TLS_OUTCOME_UNSUPPORTED:
        return MODEL_UNSUPPORTED;
    case TLS_OUTCOME_NO_CERTIFICATE:
        return MODEL_NO_CERTIFICATE;
    case TLS_OUTCOME_LIMIT:
        return MODEL_LIMIT;
    case TLS_OUTCOME_LOCAL:
        return MODEL_LOCAL;
    case TLS_OUTCOME_TLS_ERROR:
    case TLS_OUTCOME_PENDING:
        break;
    }
    return MODEL_TLS_ERROR;
}

static enum model_stage stage_of(const struct face *face) {
    if (!face->connected)
        return MODEL_STAGE_CONNECT;
    if (talk_is_before_tls(&face->talk))
        return MODEL_STAGE_DIALOGUE;
    switch (face->harvest ? tls_harvest_result(face->harvest)->stage : TLS_STAGE_NONE) {
    case TLS_STAGE_CERTIFICATE:
        return MODEL_STAGE_CERTIFICATE;
    case TLS_STAGE_DONE:
        return MODEL_STAGE_DONE;
    case TLS_STAGE_NONE:
    case TLS_STAGE_HELLO:
        break;
    }
    return MODEL_STAGE_HELLO;
}

static bool has_chain(const struct face *face) {
    return face->harvest && tls_harvest_result(face->harvest)->outcome == TLS_OUTCOME_OK;
}

/* What the connection's end means: the chain if there is one, else the given reason. */
static struct finding finding_of(const struct face *face, enum model_outcome reason,
                                 const char *detail) {
    struct finding f = {reason, stage_of(face), -1, detail};
    const char *words = face->talk.dialogue ? dialogue_detail(face->talk.dialogue) : "";
    if (!face->harvest) {
        f.detail = words[0] ? words : detail;
        return f;
    }
    const struct tls_result *result = tls_harvest_result(face->harvest);
    f.alert = result->alert;
    if (result->outcome != TLS_OUTCOME_PENDING) {
        f.outcome = outcome_of(result->outcome);
        f.detail = result->detail;
    }
    if (f.outcome == MODEL_OK && face->shape != TLS_SHAPE_FULL && !f.detail[0])
        f.detail = face->shape == TLS_SHAPE_OLD ? "answers only a hello without extensions"
                                                : "answers only a plain hello";
    if (f.outcome == MODEL_OK && !f.detail[0] &&
        (face->talk.is_found || (face->talk.is_guess && !face->talk.is_direct)))
        f.detail = "the protocol was found by what the server shows; naming it saves a connection";
    if (f.outcome == MODEL_OK && words[0])
        f.detail = words;
    if (f.outcome == MODEL_OK && face->view.look == LOOK_OLD && !f.detail[0])
        f.detail = "shown where at most TLS 1.1 is offered";
    return f;
}

static bool is_broken_by_hello(const struct face *face, const struct finding *f) {
    if (!face->connected || !face->harvest || face->shape == TLS_SHAPE_OLD || face->run->ended ||
        left_ms(face) == 0 || face->talk.is_guess || (face->site && !face->is_base))
        return false;
    if (tls_harvest_result(face->harvest)->stage != TLS_STAGE_NONE)
        return false;
    return f->outcome == MODEL_RESET || f->outcome == MODEL_CLOSED ||
           (f->outcome == MODEL_TLS_ALERT && f->alert != ALERT_UNRECOGNIZED_NAME);
}

/* ---- connections ---- */

static void on_event(void *context, const struct net_event *event);

/* What is to be sent: the dialogue's words, or TLS as that protocol carries it. A view of
 * what holds it, or of *wrapped, which the caller clears. */
static struct bytes output_of(const struct face *face, struct buf *wrapped) {
    const struct dialogue *dialogue = face->talk.dialogue;
    buf_init(wrapped, SIZE_MAX / 2);
    if (talk_is_before_tls(&face->talk))
        return dialogue_output(dialogue);
    struct bytes plain = face->harvest ? tls_harvest_output(face->harvest) : (struct bytes){0};
    if (!dialogue)
        return plain;
    dialogue_wrap(dialogue, plain, wrapped);
    return buf_bytes(wrapped);
}

/* What is left to say, an alert or a goodbye, goes with our end. */
static void leave(struct face *face, bool politely) {
    struct net_conn *conn = face->conn;
    struct buf wrapped;
    face->conn = NULL;
    if (!conn)
        return;
    if (politely) {
        net_conn_finish(conn, output_of(face, &wrapped));
        buf_clear(&wrapped);
    } else {
        net_conn_abort(conn);
    }
}

static bool connect_to(struct face *face, struct fault *f) {
    face->connected = false;
    if (face->is_again)
        run_charge(face->run);
    face->is_again = true;
    face->conn_ms = now_ms(face);
    step_say(face->run, &face->place->shown, &face->ip, "connect to port %u",
             (unsigned)face->place->shown.endpoint.port);
    if (net_conn_open(face->run->loop, &face->ip, face->place->shown.endpoint.port, on_event, face,
                      &face->conn, f))
        return false;
    face->conns++;
    /* A SYN may be lost: a second one goes out after a third of the time. */
    net_conn_deadline(face->conn, face->is_second_syn ? left_ms(face) : left_ms(face) / 3);
    return true;
}

static bool is_checking(const struct face *face) {
    return face->is_base && check_is_open(&face->site->check);
}

/* The two questions share what is left of the time. */
static void set_check_deadline(struct face *face) {
    uint64_t left = left_ms(face);
    net_conn_deadline(face->conn, face->site->check.step == CHECK_OLD ? left / 2 : left);
}

static bool is_mail_before_tls(const struct face *face) {
    return face->connected && talk_is_before_tls(&face->talk) &&
           (face->talk.protocol == MODEL_SMTP || face->talk.protocol == MODEL_LMTP);
}

/* A third of the time is over: who has not connected is tried once more; who has, and is
 * silent, is waited for. (Most are through long before, and need no second timer.) */
static bool goes_on(struct face *face) {
    if (has_chain(face) || is_checking(face) || face->run->ended)
        return false;
    if (is_mail_before_tls(face))
        face->is_patient = true;
    uint64_t left = left_ms(face);
    if (left == 0)
        return false;
    if (face->connected) {
        net_conn_deadline(face->conn, left);
        return true;
    }
    if (face->is_second_syn)
        return false;
    face->is_second_syn = true;
    leave(face, false);
    return connect_to(face, NULL);
}

static void end_checking(struct face *face) {
    struct check *check = &face->site->check;
    forget(face);
    face->harvest = check->harvest;
    face->talk = check->talk;
    check->harvest = NULL;
    check->talk = talk_again(&face->talk);
}

static bool is_protocol_asked_for(const struct face *face) {
    return face->run->plan->protocol != MODEL_PROTOCOL_NONE ||
           face->place->shown.target->protocol != MODEL_PROTOCOL_NONE;
}

static void keep_first(struct face *face, const struct finding *f) {
    face->first = *f;
    face->has_first = true;
}

/* Whether there will be another connection: with a plainer hello, or for what the
 * dialogue has shown. */
static bool is_again(struct face *face, const struct finding *f) {
    if (is_broken_by_hello(face, f)) {
        if (!face->has_first)
            keep_first(face, f);
        face->shape++;
        return true;
    }
    if (face->run->ended || left_ms(face) == 0 ||
        !talk_retry(&face->talk, f->outcome, !is_protocol_asked_for(face)))
        return false;
    face->has_first = false;
    if (face->talk.is_guess)
        keep_first(face, f);
    face->shape = TLS_SHAPE_FULL;
    return true;
}

/* Another connection for the next question; false where all are through. */
static bool go_on_checking(struct face *face) {
    struct check *check = &face->site->check;
    while (check_next(check)) {
        uint64_t left = left_ms(face);
        if (!face->run->ended && left > 0 && connect_to(face, NULL))
            return true;
    }
    return false;
}

/* What was found, a certificate or none for want of a group, waits until the server was asked
 * more. */
static bool begin_checking(struct face *face, const struct finding *found) {
    struct check *check = &face->site->check;
    check->found = *found;
    check->found_ms = now_ms(face) - face->start_ms;
    check->harvest = face->harvest;
    check->talk = face->talk;
    face->harvest = NULL;
    face->talk = talk_again(&check->talk);
    if (found->outcome != MODEL_OK)
        check->step = CHECK_OLD; /* that question was answered */
    if (go_on_checking(face))
        return true;
    end_checking(face);
    return false;
}

static void take_check(struct face *face) {
    struct check *check = &face->site->check;
    if (face->harvest) {
        check_take(check, tls_harvest_result(face->harvest));
        if (check_shows_another(check, tls_harvest_result(face->harvest)))
            site_learn_old(face->site, face->view.sni);
    }
    forget(face);
    if (go_on_checking(face))
        return;
    struct finding f = check->found;
    check_judge(check, &f);
    end_checking(face);
    tell(face, &f);
}

static void conclude(struct face *face, const struct finding *found, bool politely) {
    struct finding f = *found;
    step_answer(face->run, &face->place->shown, &face->ip,
                face->harvest ? tls_harvest_result(face->harvest) : NULL, &f);
    leave(face, politely);
    if (is_checking(face)) {
        take_check(face);
        return;
    }
    if (is_again(face, &f)) {
        forget(face);
        if (connect_to(face, NULL))
            return;
    }
    /* The answer to the full hello, or to the dialogue, stands where no other brought a chain. */
    if (face->has_first && f.outcome != MODEL_OK) {
        f = face->first;
        face->shape = TLS_SHAPE_FULL;
        forget(face);
        if (face->talk.is_guess)
            talk_unguess(&face->talk);
    }
    bool is_to_check = face->is_base && (f.outcome == MODEL_OK || check_may_lack_group(&f));
    if (!is_to_check || !begin_checking(face, &f))
        tell(face, &f);
}

static void send_output(struct face *face) {
    size_t n = tls_harvest_output(face->harvest).n;
    struct buf wrapped;
    if (n == 0)
        return;
    net_conn_write(face->conn, output_of(face, &wrapped));
    buf_clear(&wrapped);
    tls_harvest_sent(face->harvest, n);
}

static enum tls_asked asked_of(enum model_asked asked) {
    switch (asked) {
    case MODEL_ASKED_RSA:
        return TLS_ASKED_RSA;
    case MODEL_ASKED_ECDSA:
        return TLS_ASKED_ECDSA;
    case MODEL_ASKED_ML_DSA:
        return TLS_ASKED_ML_DSA;
    case MODEL_ASKED_ANY:
    case MODEL_ASKED_COUNT:
        break;
    }
    return TLS_ASKED_ANY;
}

static void say_hello(struct face *face) {
    struct tls_ask ask = tls_ask_default();
    struct bytes alpn = text_or_none(dialogue_direct_alpn(face->talk.protocol));
    face->talk.is_tls = true;
    ask.shape = face->shape;
    ask.alpn = &alpn;
    ask.alpn_n = face->talk.is_direct ? 1 : 0;
    ask.sni = face->view.sni;
    ask.handshake_max = face->run->limits.handshake_max;
    ask.asked = asked_of(face->view.asked);
    if (face->view.look == LOOK_OLD)
        ask.version_max = TLS_1_1;
    if (is_checking(face))
        check_ask(&face->site->check, &ask);
    step_hello(face->run, &face->place->shown, &face->ip, &ask);
    if (tls_harvest_open(&face->run->hello_env, &face->run->keys, &ask, &face->harvest)) {
        struct finding f = {MODEL_LOCAL, MODEL_STAGE_CONNECT, -1, "no hello could be made"};
        conclude(face, &f, true);
        return;
    }
    send_output(face);
}

/* ---- the dialogue before it ---- */

static void fail_locally(struct face *face) {
    struct finding f = {MODEL_LOCAL, MODEL_STAGE_CONNECT, -1, "no memory"};
    conclude(face, &f, false);
}

static void say_words(struct face *face) {
    net_conn_write(face->conn, dialogue_output(face->talk.dialogue));
    dialogue_sent(face->talk.dialogue);
}

static void begin(struct face *face) {
    char text[IP_TEXT_MAX];
    struct bytes name = face->view.sni;
    struct ip self = {.size = 0};
    face->connected = true;
    if (is_checking(face))
        set_check_deadline(face);
    if (!is_checking(face)) {
        face->has_connected = true;
        face->connect_ms = now_ms(face) - face->conn_ms;
    }
    step_say(face->run, &face->place->shown, &face->ip, "connected after %llu ms",
             (unsigned long long)(now_ms(face) - face->conn_ms));
    if (name.n == 0)
        name = bytes_text(ip_write(&face->ip, text));
    if (model_protocol_row(face->talk.protocol)->has_dialogue)
        (void)net_conn_local(face->conn, &self);
    if (!talk_begin(&face->talk, name, &self)) {
        fail_locally(face);
    } else if (face->talk.dialogue) {
        step_say(face->run, &face->place->shown, &face->ip, "%s: its dialogue before TLS",
                 model_protocol_name(face->talk.protocol));
        say_words(face);
    } else {
        say_hello(face);
    }
}

static void take_words(struct face *face, struct bytes data) {
    static const enum model_outcome outcomes[] = {
        [DIALOGUE_NOT_OFFERED] = MODEL_NOT_OFFERED,
        [DIALOGUE_BAD] = MODEL_NOT_TLS,
        [DIALOGUE_LIMIT] = MODEL_LIMIT,
        [DIALOGUE_LOCAL] = MODEL_LOCAL,
    };
    enum dialogue_want want = dialogue_feed(face->talk.dialogue, data);
    if (want > DIALOGUE_DONE) {
        struct finding f = finding_of(face, outcomes[want], "");
        conclude(face, &f, true);
        return;
    }
    say_words(face);
    if (want == DIALOGUE_DONE) {
        face->talk.protocol = dialogue_protocol(face->talk.dialogue);
        step_say(face->run, &face->place->shown, &face->ip, "the server agrees to TLS");
        say_hello(face);
    }
}

/* ---- what comes back ---- */

static void take_answer(struct face *face, struct bytes data) {
    enum tls_stage before = tls_harvest_result(face->harvest)->stage;
    enum tls_want want = tls_harvest_feed(face->harvest, data);
    if (want != TLS_WANT_MORE) {
        struct finding f = finding_of(face, MODEL_TLS_ERROR, "");
        conclude(face, &f, true);
        return;
    }
    send_output(face);
    if (before != TLS_STAGE_CERTIFICATE && has_chain(face)) {
        uint64_t left = left_ms(face);
        net_conn_deadline(face->conn, left < DAWDLE_MS ? left : DAWDLE_MS);
    }
}

/* Where a greeting began instead of TLS: what was heard of it is the harvest's to judge,
 * unless it shows a protocol that we may try. True where the face has gone on. */
static bool stop_listening(struct face *face) {
    bool is_certain;
    struct talk *talk = &face->talk;
    struct bytes heard = dialogue_heard(talk->dialogue);
    if (!is_protocol_asked_for(face) && dialogue_shown(heard, &is_certain)) {
        struct finding f = {MODEL_NOT_TLS, MODEL_STAGE_HELLO, -1, "a greeting in clear"};
        conclude(face, &f, true);
        return true;
    }
    talk->is_listening = false;
    talk->is_tls = true;
    (void)tls_harvest_feed(face->harvest, heard);
    return false;
}

static void listen(struct face *face, struct bytes data) {
    struct talk *talk = &face->talk;
    if (!talk->dialogue && !talk_listen(talk))
        fail_locally(face);
    else if (dialogue_feed(talk->dialogue, data) != DIALOGUE_MORE && !stop_listening(face))
        take_answer(face, (struct bytes){0});
}

/* Takes the TLS out of what the dialogue's protocol wraps around it. */
static void take_wrapped(struct face *face, struct bytes data) {
    while (data.n > 0 && !face->told && face->talk.is_tls) {
        struct bytes plain;
        if (!dialogue_unwrap(face->talk.dialogue, &data, &plain)) {
            struct finding f = finding_of(face, MODEL_TLS_ERROR, "TLS is not wrapped as agreed");
            conclude(face, &f, true);
            return;
        }
        if (plain.n > 0)
            take_answer(face, plain);
    }
}

static void take_data(struct face *face, struct bytes data) {
    struct talk *talk = &face->talk;
    bool is_first = !talk->is_heard;
    face->bytes += data.n;
    talk->is_heard = true;
    if (talk->is_listening)
        listen(face, data);
    else if (talk_is_before_tls(talk))
        take_words(face, data);
    else if (talk->dialogue)
        take_wrapped(face, data);
    else if (is_first && talk_is_strange(data))
        listen(face, data);
    else
        take_answer(face, data);
}

/* The connection is over, or its time. What was heard of a greeting has to do. */
static bool is_listening_to_end(struct face *face) {
    return face->talk.is_listening && stop_listening(face);
}

static void take_end(struct face *face) {
    if (is_listening_to_end(face))
        return;
    if (face->harvest)
        (void)tls_harvest_eof(face->harvest);
    struct finding f = finding_of(face, MODEL_CLOSED, "closed during the dialogue");
    conclude(face, &f, true);
}

static void take_failure(struct face *face, const struct net_event *event) {
    static const enum model_outcome outcomes[] = {
        [NET_REFUSED] = MODEL_REFUSED, [NET_UNREACHABLE] = MODEL_UNREACHABLE,
        [NET_RESET] = MODEL_RESET,     [NET_TIMED_OUT] = MODEL_TIMEOUT,
        [NET_LOCAL] = MODEL_LOCAL,
    };
    /* Where the outcome's name says it all, the system's words say it again. */
    if (is_listening_to_end(face))
        return;
    bool is_told = event->failure == NET_REFUSED || event->failure == NET_RESET;
    struct finding f = finding_of(face, outcomes[event->failure], is_told ? "" : event->text);
    conclude(face, &f, false);
}

/* Nothing, or too little, was said to us in time. */
static const char *silence_of(const struct talk *talk) {
    if (talk->is_heard)
        return "the dialogue did not come to its end: a longer --timeout may help";
    return dialogue_begins(talk->protocol)
               ? "connected, but no answer"
               : "connected, but no greeting: a slow one, or TLS at once (--protocol tls)";
}

static void take_timeout(struct face *face) {
    if (goes_on(face) || is_listening_to_end(face))
        return;
    bool politely = has_chain(face);
    if (politely)
        tls_harvest_leave(face->harvest);
    struct finding f = finding_of(face, MODEL_TIMEOUT,
                                  !face->connected ? "no answer to the connection attempt"
                                  : !face->harvest ? silence_of(&face->talk)
                                                   : "connected, but no answer that is complete");
    conclude(face, &f, politely);
}

static void on_event(void *context, const struct net_event *event) {
    struct face *face = context;
    switch (event->kind) {
    case NET_CONNECTED:
        begin(face);
        break;
    case NET_DATA:
        take_data(face, event->data);
        break;
    case NET_EOF:
        take_end(face);
        break;
    case NET_FAILED:
        take_failure(face, event);
        break;
    case NET_TIMEOUT:
        take_timeout(face);
        break;
    case NET_CLOSED:
        face->conns--;
        free_if_through(face);
        break;
    }
}

/* ---- begin and end ---- */

void face_tell_only(struct face *face, const struct finding *finding) {
    face->start_ms = now_ms(face);
    face->start_s = env_now_s(face->run->env);
    tell(face, finding);
    free_if_through(face);
}

void face_start(struct face *face) {
    struct fault fault = {0};
    face->start_ms = now_ms(face);
    face->start_s = env_now_s(face->run->env);
    if (connect_to(face, &fault))
        return;
    struct finding f = {MODEL_LOCAL, MODEL_STAGE_CONNECT, -1, fault.detail};
    tell(face, &f);
    free_if_through(face);
}

void face_end(struct face *face) {
    if (face->told)
        return;
    bool politely = has_chain(face);
    struct finding f = finding_of(face, MODEL_NOT_REACHED, "the scan ended before");
    conclude(face, &f, politely);
}
