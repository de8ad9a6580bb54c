/* Private to `ers scan`: one run, and what its parts share.
 *
 *   scan.c         the command: lock, run, delivery, exit status
 *   scan_plan.c    words and configuration into what is to be looked at
 *   scan_own.c     what of it is within the agent's own targets, for a look at those
 *   scan_watch.c   what the probe tells: streams, spool, rows
 *   scan_news.c    what of it is news to who knows the last scans
 *   scan_report.c  what people see: estimate, progress, table, summary
 */
#ifndef APPLETS_ERS_SCAN_H
#define APPLETS_ERS_SCAN_H

#include "applets/ers/agent.h"
#include "applets/ers/fail_on.h"
#include "applets/ers/done.h"
#include "applets/ers/last.h"
#include "applets/ers/spool.h"
#include "base/file.h"
#include "probe/probe.h"

enum { SCAN_EXPIRING_DAYS = 30, DAY_S = 86400 };

struct scan_options {
    const char *ports, *sni, *connect, *protocol, *faces, *output;
    struct opt_list fail_on;
    uint64_t timeout_ms, deadline_ms, rate, per_host, parallel, jitter_ms, chain_max_kb;
    bool push, no_push, all, pem, dry_run, resume;
};

/* What is shown of a certificate at an endpoint, or of an endpoint without any. */
enum scan_label {
    LABEL_EXPIRED,
    LABEL_EXPIRING,
    LABEL_NEW,
    LABEL_CHANGED,
    LABEL_BACK,  /* had been told as gone */
    LABEL_MOVED, /* the same, at other addresses */
    LABEL_OK,
    LABEL_GONE, /* had a certificate at the last scan */
    LABEL_FAILED,
    LABEL_DECLINED, /* offers no TLS: worth a row to look at, and no news */
    LABEL_SILENT,   /* refused, timed out ...: only with --all */
    LABEL_COUNT
};

/* One for each certificate at each address of an endpoint, one for an endpoint without. */
struct scan_row {
    size_t next;         /* of the same endpoint: its number + 1; 0: none */
    bool is_further;     /* not the first of its endpoint */
    bool is_shown_above; /* an earlier row of the endpoint has the same certificate */
    struct bytes face;   /* that showed it first: "ASKED IP SNI" */
    size_t several;      /* news: so many certificates behind one address; else 0 */
    unsigned told;       /* of how many people know */
    struct bytes key;    /* "HOST:PORT PROTOCOL", "PATH file" */
    struct bytes shown;  /* "HOST:PORT", "PATH", a part of it */
    enum model_kind kind;
    const char *subject; /* display name, or what went wrong; escaped */
    enum model_outcome outcome;
    enum scan_label label;
    bool has_certificate, has_not_after, is_news, is_new, is_changed, is_back, is_moved;
    uint8_t sha256[32];
    int64_t not_after_s;
};

/* NDJSON on its way to a file or to standard output. */
struct scan_stream {
    bool is_open, pem;
    FILE *out; /* standard output, or NULL for: */
    struct file file;
    uint64_t at; /* in the file */
    struct buf buf;
    struct fault fault; /* the first failure */
};

/* A look at some of the agent's own endpoints. */
struct scan_look {
    struct opt_list wanted; /* "HOST" for all of its ports, or "HOST:PORT"; ranges too */
    void (*found)(void *context, const struct scan_row *row); /* may be NULL */
    void *context;
    size_t covered; /* how many of them lie within the agent's targets; the others are left out */
};
/* Runs it as the targets say how (protocol, server name), quietly, and pushes what it saw
 * where the agent is enrolled. Exit status as of `ers scan`; 0 where nothing is covered. */
int scan_look(struct env *env, const struct opt_common *common, struct scan_look *look);

struct scan {
    struct env *env;
    const struct scan_options *options;
    const struct opt_common *common;
    struct agent agent;
    struct model_target_file file; /* of the configuration */
    struct probe_plan plan;
    struct probe_limits limits;
    bool is_look; /* TARGETs on the line, or: */
    struct scan_look *look;
    bool is_pass; /* over all that is configured, as configured */
    bool is_spooled;
    bool shows_table;
    bool wants_rows;  /* for the table, or for the next scan */
    bool is_terminal; /* stdout: all that was found; else only news */
    bool has_progress;
    struct fail_on fail_on;
    uint64_t endpoints; /* counted before */
    char id[SPOOL_ID_TEXT];

    struct scan_stream lines, output;
    struct spool_writer spool;
    struct last last;
    struct done before; /* looked at by the scan that this one continues */
    uint64_t skipped;   /* of these, met again */
    struct done_writer done;
    uint64_t batches;   /* of the spool, when an endpoint ended last */
    struct arena arena; /* of the rows */
    struct scan_row *rows;
    size_t rows_n, rows_cap;
    struct buf text;   /* scratch */
    uint64_t shown_ms; /* progress, last */

    struct model_summary summary;
    bool complete;
    uint64_t by_label[LABEL_COUNT], new_n, changed_n, back_n, moved_n;
};

/* scan_plan.c: plan, limits, id and --fail-on. */
enum err scan_plan_open(struct scan *s, struct fault *f) MUST_CHECK;

/* Tells the plan which files had certificates at the last scan. */
enum err scan_plan_known(struct scan *s, struct fault *f) MUST_CHECK;

/* scan_own.c: the plan's targets out of look->wanted and the file. */
enum err scan_own_targets(struct scan *s, struct fault *f) MUST_CHECK;

/* scan_watch.c */
struct probe_watch scan_watch(struct scan *s);
/* "HOST:PORT PROTOCOL" or "PATH file", escaped; *shown is the length of the first part. In
 * s->text. */
struct bytes scan_key(struct scan *s, const struct model_endpoint *e, size_t *shown);
void scan_stream_line(struct scan_stream *stream, struct bytes line);
enum err scan_stream_close(struct scan_stream *stream, struct fault *f) MUST_CHECK;
/* The summary as one line of JSON, with "complete". */
void scan_summary_json(const struct scan *s, struct buf *out);
/* Once the scan is over: labels, counts and, for a scan of the configured targets,
 * the state for the next one. */
enum err scan_settle(struct scan *s, struct fault *f) MUST_CHECK;

/* scan_news.c, for the first row of an endpoint and those behind it. Labels are those of
 * the state alone at first (LABEL_OK, LABEL_EXPIRED ...), then of the news. */
void scan_news_judge(struct scan *s, struct scan_row *first);
/* How many lines scan_news_keep adds at most to what the next scan will know. */
size_t scan_news_room(const struct scan *s, const struct scan_row *first);
void scan_news_keep(const struct scan *s, const struct scan_row *first, struct last *now);
const char *scan_state_name(const struct scan_row *row);

/* scan_report.c */
void scan_show_estimate(struct scan *s);
void scan_show_progress(struct scan *s, const struct probe_progress *p);
void scan_clear_progress(struct scan *s);
/* The table and the last line; `delivery` is its last clause ("" for none). Nothing
 * where there is no news and nobody at a terminal. */
void scan_show_result(struct scan *s, const char *delivery);

#endif
