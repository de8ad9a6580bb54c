/* Private to the room: what its files share. */
#ifndef PROBE_INNER_H
#define PROBE_INNER_H

#include "net/conn.h"
#include "net/resolve.h"
#include "probe/dialogue.h"
#include "probe/probe.h"
#include "tls/tls.h"

/* ---- source.c: the endpoints of the plan, one after the other ---- */

enum { SOURCE_OPEN = 16 };

struct source {
    const struct probe_plan *plan;
    uint32_t *order; /* of the targets, shuffled */
    size_t next;
    struct open_target {
        struct model_unfold unfold;
        bool used;
    } * open; /* SOURCE_OPEN of them, taken from in turn */
    size_t turn;
};

enum err source_open(struct source *s, const struct env *env,
                     const struct probe_plan *plan) MUST_CHECK;
void source_close(struct source *s);
/* False at the end. *out borrows until the next call. */
bool source_next(struct source *s, struct model_endpoint *out, const struct model_target **target);

/* ---- seen.c: the certificates of the scan ---- */

enum { SEEN_RECENT = 64 };

struct seen {
    struct arena arena, scratch;
    struct probe_certificate **slots; /* open addressing, a power of two */
    size_t slots_n, n;
    /* Issuers come with every leaf: compared with those of late, they need no hashing. */
    struct recent {
        uint8_t *der;
        size_t n, cap;
        uint8_t sha256[32];
    } recent[SEEN_RECENT];
};

void seen_init(struct seen *s);
void seen_clear(struct seen *s);
void seen_hash(struct seen *s, struct bytes der, bool is_leaf, uint8_t sha256[32]);
/* The certificate's row, told to the watcher where it is new. NULL: no memory. */
const struct probe_certificate *seen_add(struct seen *s, struct bytes der, const uint8_t sha256[32],
                                         const struct probe_watch *watch);

/* ---- host.c: how many faces are at one address ---- */

struct face;

struct host {
    struct ip ip;
    uint64_t active;
    struct face *first, *last; /* waiting */
    struct host *next;         /* in its bucket, or among the unused */
};

enum { HOST_BUCKETS = 4096 };

struct hosts {
    struct host *buckets[HOST_BUCKETS];
    struct host *unused;
    uint64_t limit;
    uint64_t waiting;
};

void hosts_init(struct hosts *h, uint64_t limit);
void hosts_clear(struct hosts *h);
/* Takes a place for the face: *go, or it waits. False: no memory. */
bool hosts_take(struct hosts *h, struct face *face, bool *go);
/* Gives the place back; the face that has it now, or NULL. */
struct face *hosts_give(struct hosts *h, struct face *face);

/* ---- talk.c: what is said before the hello, on one face ---- */

/* A connection's words pass through here: `dialogue` before the hello, and its wrapping
 * behind it. Without a dialogue all is handed through. */
struct talk {
    enum model_protocol protocol; /* spoken now */
    enum model_protocol expected; /* before a guess */
    struct dialogue *dialogue;    /* of the connection that counts; NULL: TLS at once */
    bool is_tls;                  /* the hello is out; before that the dialogue goes on */
    bool is_listening;            /* a greeting where TLS was expected: read until it is certain */
    bool is_heard;                /* the connection has brought bytes */
    bool is_direct;               /* TLS at once, under the protocol's own ALPN name */
    bool is_guess;                /* TLS at once because nothing was said to the dialogue */
    bool is_found; /* the protocol is what the server showed, not what was expected */
};

/* The dialogue goes on: what comes is for talk_take. */
bool talk_is_before_tls(const struct talk *t);
/* Where the endpoint's protocol has a dialogue, begins it. False: no memory. `self` is our
 * end of the connection, size 0 where unknown. */
bool talk_begin(struct talk *t, struct bytes host, const struct ip *self);
/* The first bytes behind a hello are no TLS: begins to listen. False: no memory. */
bool talk_listen(struct talk *t);
/* True where `data`, the first that came, cannot begin a TLS record. */
bool talk_is_strange(struct bytes data);
/* The connection is over: ready for another. */
void talk_reset(struct talk *t);
/* Of another connection that begins as this one did. */
struct talk talk_again(const struct talk *t);
/* After a dialogue that led nowhere: whether it is worth another connection, as what the
 * server showed (`may_find`: its protocol was nobody's wish) or by TLS at once. */
bool talk_retry(struct talk *t, enum model_outcome outcome, bool may_find);
/* TLS at once was a guess, and a wrong one: what counts is the dialogue. */
void talk_unguess(struct talk *t);

/* ---- facts.c ---- */

/* Texts that have to be made are in the arena. */
void facts_fill(struct arena *a, const struct tls_result *result, struct model_observation *o);

/* ---- files.c: the plan's paths ---- */

struct run;

/* Looks at all of them, or until the scan has to end; tells and counts what is found. */
void files_run(struct run *r);

/* ---- face.c: one face from connect to observation ---- */

struct run;

enum { RANDOM_SIZE = 4096 };

/* An endpoint with its faces. */
struct place {
    struct probe_endpoint shown;
    struct run *run;
    uint64_t faces_open;
    bool has_state;
    enum model_outcome state;
    char host[]; /* what shown.endpoint.host points to */
};

/* What a look came to, before it is told. */
struct finding {
    enum model_outcome outcome;
    enum model_stage stage;
    int alert; /* -1: none */
    const char *detail;
};

/* ---- step.c: told where the watcher wants to follow; nothing is done otherwise ---- */

void step_say(struct run *r, const struct probe_endpoint *endpoint, const struct ip *ip,
              const char *format, ...) PRINTF_LIKE(4, 5);
void step_hello(struct run *r, const struct probe_endpoint *endpoint, const struct ip *ip,
                const struct tls_ask *ask);
void step_answer(struct run *r, const struct probe_endpoint *endpoint, const struct ip *ip,
                 const struct tls_result *result, const struct finding *f);

/* ---- check.c: what else a server takes ---- */

enum check_step { CHECK_NONE, CHECK_OLD, CHECK_HYBRID, CHECK_DONE };

/* While its questions are asked, what the face had found before is kept here. */
struct check {
    enum check_step step;
    struct tls_harvest *harvest; /* NULL: none brought a chain */
    struct talk talk;
    struct finding found;
    uint64_t found_ms;                      /* how long it took */
    const char *old_version, *hybrid_group; /* as in observations; NULL: unknown */
};

void check_clear(struct check *c);
/* A question is out. */
bool check_is_open(const struct check *c);
/* On to the next question that the kept harvest does not answer. False: no more. */
bool check_next(struct check *c);
void check_ask(const struct check *c, struct tls_ask *ask);
void check_take(struct check *c, const struct tls_result *result);
/* Whether the server agreed to nothing, perhaps for want of a group. */
bool check_may_lack_group(const struct finding *f);
/* What was found, in the light of the answers. */
void check_judge(const struct check *c, struct finding *f);
/* Whether an old client is shown another certificate than the kept harvest has. */
bool check_shows_another(const struct check *c, const struct tls_result *result);

/* ---- site.c: the faces of one address, where all are wanted ---- */

/* LOOK_OLD: with a hello of at most TLS 1.1, to which another certificate was shown. */
enum { FACES_MAX = 24, LOOKS_MAX = 4, LOOK_OLD = LOOKS_MAX };

/* How a server is looked at. */
struct view {
    struct bytes sni; /* empty: none */
    enum model_asked asked;
    unsigned look; /* 1 to LOOK_OLD: the same as 0 once more, told only where it differs */
};

struct site {
    struct place *place;
    struct ip ip;
    struct view views[FACES_MAX];
    size_t views_n, next;
    uint64_t left_out; /* views that found no room */
    uint8_t leaves[FACES_MAX][SHA256_SIZE];
    size_t leaves_n;
    uint8_t base[LOOK_OLD + 1][SHA256_SIZE]; /* what the base and its repetitions showed */
    size_t base_n;
    struct arena names; /* of the views */
    bool is_ptr_asked;
    /* How the base was answered; further faces begin so. */
    enum tls_shape shape;
    struct talk talk;
    struct check check; /* of the base */
};

struct face;

/* The base view has this name. NULL: no memory. */
struct site *site_open(struct place *place, const struct ip *ip, struct bytes sni);
void site_close(struct site *s); /* NULL is allowed */
/* The next view, in order; false: none left for now. */
bool site_next(struct site *s, struct view *out);
/* Whether the base or a repetition of it has shown that certificate. */
bool site_has_shown(const struct site *s, const uint8_t sha256[SHA256_SIZE]);
/* What a face of it came to; leaf is the SHA-256 of result's first certificate, or NULL. */
void site_learn(struct site *s, const struct face *face, enum model_outcome outcome,
                const struct tls_result *result, const uint8_t *leaf);
void site_learn_name(struct site *s, struct bytes name);
/* Old clients see another certificate: one more look at the base. */
void site_learn_old(struct site *s, struct bytes sni);

struct face {
    struct run *run;
    struct place *place;
    struct site *site; /* NULL: this face is all that is wanted of the address */
    struct view view;
    struct ip ip; /* size 0: there is none to connect to */
    struct host *host;
    struct face *next;            /* ready, or waiting for its host */
    struct face *before, *behind; /* among those under way */
    struct net_conn *conn;        /* the one that counts; NULL once left */
    unsigned conns;               /* not yet gone */
    struct tls_harvest *harvest;
    uint64_t start_ms, conn_ms; /* of the face, of its last connection */
    int64_t start_s;
    uint64_t connect_ms, bytes; /* as in observations */
    enum tls_shape shape;
    struct talk talk;
    bool connected, told;
    bool is_base;       /* the first of its address */
    bool has_connected; /* connect_ms is set */
    bool is_again;      /* a connection was begun before */
    bool is_second_syn;
    bool is_patient; /* a server of mail that is slow to greet: more time */
    bool has_first;
    struct finding first; /* of the full hello, when a plainer one is tried */
};

/* Begins; the face is told and freed later, or before this returns. */
void face_start(struct face *face);
/* The scan ends now: tells `not_reached`, or the chain that is there. */
void face_end(struct face *face);
/* Tells a face that no connection is made for. */
void face_tell_only(struct face *face, const struct finding *finding);

/* ---- probe.c ---- */

struct run {
    const struct env *env;
    const struct probe_plan *plan;
    struct probe_limits limits;
    const struct probe_watch *watch;
    struct net_loop *loop;
    struct net_resolver *resolver;
    struct net_timer *tick, *rate_timer;
    struct source source;
    struct hosts hosts;
    struct seen seen;
    struct arena facts; /* of the observation that is being told */
    struct tls_keys keys;
    struct env hello_env; /* for the harvests: randomness alone, out of `random` */
    uint8_t random[RANDOM_SIZE];
    size_t random_left; /* bytes at its end that were not handed out */
    struct model_sha256 chain[TLS_CHAIN_MAX];
    struct face *ready_first, *ready_last;
    struct face *active; /* under way, and not yet gone */
    uint64_t active_n, looking_up, start_ms;
    int64_t credit;     /* of the rate: thousandths of a connection; retries may owe some */
    uint64_t credit_ms; /* when last counted */
    uint64_t endpoints, unfolded, endpoints_done;
    uint64_t begin_ms, shown_ms; /* by the clock of env: while files are read */
    struct model_account faces, states;
    bool drained, ended, pumping;
};

/* The face is told: its outcome is counted, its address goes on or is complete. */
void run_face_told(struct run *r, struct face *face, enum model_outcome outcome);
/* A look that was no face's: counted, and told. What is observed is in `o`. */
void run_tell(struct run *r, const struct model_observation *o, struct probe_endpoint *endpoint,
              const struct probe_certificate *leaf);
/* Tells how far it is, where it is time for that; false: the scan has to end. */
bool run_goes_on(struct run *r);
/* A second look that differs in nothing: like a retry, it is not counted. */
void run_face_hidden(struct run *r, struct face *face);
/* One connection more than the faces begun: the rate is charged for it. */
void run_charge(struct run *r);
/* Nothing of the face is left: its place is free. */
void run_face_gone(struct run *r, struct face *face);

#endif
