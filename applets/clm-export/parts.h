/* The parts of clm-export, private to it: options, the stream that is written, the kinds
 * of rows, the formats. */
#ifndef APPLETS_CLM_EXPORT_PARTS_H
#define APPLETS_CLM_EXPORT_PARTS_H

#include "base/opt.h"
#include "export/cells.h"
#include "store/inventory/requests.h"

struct export_options {
    const char *data, *format, *rows, *where, *as_of, *out, *split, *prove, *checkpoint, *log_key;
    struct opt_list columns;
    bool verify;
    bool header, excel, chain;
};

/* What is written, by chunks, to standard output or a file. */
struct export_stream {
    struct env *env;
    const char *path; /* NULL: standard output */
    struct file file;
    uint64_t at;
    struct buf chunk;
    struct fault fault; /* of the first failure; code ERR_OK until then */
};

enum { EXPORT_CHUNK = 256 << 10, EXPORT_ITEM_MAX = 64 << 20, EXPORT_COLUMNS_MAX = 40 };

enum err export_stream_open(struct export_stream *s, struct env *env, const char *path) MUST_CHECK;
/* Between rows: writes the chunk where it is full. False: something failed. */
bool export_stream_step(struct export_stream *s);
enum err export_stream_close(struct export_stream *s) MUST_CHECK;

struct export_run;

/* A column of a kind of rows. */
struct export_column {
    const char *name, *title; /* title: over a printed table */
    unsigned in;              /* formats that have it where --columns is not given; EXPORT_NUMBER */
};
enum { EXPORT_IN_CSV = 1u << 0, EXPORT_IN_HTML = 1u << 1, EXPORT_IN_ALL = 3, EXPORT_NUMBER = 4 };

/* A kind of rows. `walk` calls export_row for each that run->where takes. */
struct export_kind {
    const char *name, *type; /* "certificates", "certificate" */
    unsigned rows;           /* of queries (one of enum query_rows); 0: they take none */
    const struct export_column *columns;
    size_t columns_n;
    void (*cell)(struct export_run *run, size_t column, const void *row);
    enum err (*walk)(struct export_run *run, struct fault *f);
};

extern const struct export_kind export_certificates, export_endpoints, export_observations,
    export_services, export_requests, export_agents, export_coverage, export_audit;

/* One export under way. */
struct export_run {
    const struct export_options *options;
    const struct export_kind *kind;
    const char *path; /* of the data */
    struct inventory *inv;
    const struct query *where; /* NULL: all */
    int64_t as_of_s;           /* --as-of, else when the last entry was made */
    int64_t until_ms;          /* of the log */
    struct export_stream stream;
    struct cells cells;
    size_t columns[EXPORT_COLUMNS_MAX], columns_n; /* that are wanted, in their order */
    struct buf spare, line;
    struct arena arena;     /* for one page, or one item */
    uint64_t rows, skipped; /* written; left out since they do not parse */
};

/* Writes a row by the wanted columns. False: something failed. */
bool export_row(struct export_run *run, const void *row);
/* Which columns are wanted; ERR_USAGE names one that is not there. */
enum err export_pick_columns(struct export_run *run, unsigned in, struct fault *f) MUST_CHECK;
/* A list of the inventory, page by page: `read` gets one page, into run->arena, of rows that
 * are `size` bytes each. */
struct export_list {
    size_t size;
    enum err (*read)(struct export_run *run, const struct inventory_query *q, const void **rows,
                     size_t *n, struct inventory_page *page, struct fault *f);
};
enum { EXPORT_PAGE = 500 };
/* Every row of the list that the query takes. False ends it. */
typedef bool export_visit(struct export_run *run, void *context, const void *row);
enum err export_each(struct export_run *run, const struct export_list *list,
                     struct inventory_query q, export_visit *visit, void *context,
                     struct fault *f) MUST_CHECK;
/* A visit that writes the row. */
bool export_visit_row(struct export_run *run, void *context, const void *row);
/* Every certificate that the query takes, by its end: rows are struct inventory_cert. */
enum err export_each_cert(struct export_run *run, export_visit *visit, void *context,
                          struct fault *f) MUST_CHECK;
extern const struct export_list export_endpoint_list;
/* "expired", "ending" (within 30 days), "valid", "future", "unknown"; *kind: of its mark. */
const char *export_cert_state(const struct export_run *run, const struct inventory_cert *cert,
                              const char **kind);
void export_ms(struct cells *c, int64_t ms); /* 0: empty */

/* head.c: what a report says of itself, in one line without control characters:
 * "certificates where ..., as of ...; store of N entries, head HEX; clm-export VERSION". */
enum err export_head(struct export_run *run, struct buf *out, struct fault *f) MUST_CHECK;

/* Formats. Each fills the stream. */
enum err export_as_table(struct export_run *run, struct fault *f) MUST_CHECK;  /* csv, ndjson */
enum err export_as_page(struct export_run *run, struct fault *f) MUST_CHECK;   /* html */
enum err export_as_pem(struct export_run *run, struct fault *f) MUST_CHECK;    /* --chain too */
enum err export_as_split(struct export_run *run, struct fault *f) MUST_CHECK;  /* --split */
enum err export_as_ndjson(struct export_run *run, struct fault *f) MUST_CHECK; /* whole objects */
enum err export_as_ics(struct export_run *run, struct fault *f) MUST_CHECK;
enum err export_as_cbom(struct export_run *run, struct fault *f) MUST_CHECK;

/* proof.c: instead of an export. The exit status. */
#define EXPORT_LOG_KEY "log.pub" /* in the data folder: who signs checkpoints */
int export_verify(struct env *env, const struct opt_common *common, const char *path,
                  const struct export_options *o);
int export_prove(struct env *env, const struct opt_common *common, const char *path,
                 const struct export_options *o);

#endif
