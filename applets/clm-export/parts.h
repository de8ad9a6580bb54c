/* The parts of clm-export, private to it: options, the stream that is written, the formats. */
#ifndef APPLETS_CLM_EXPORT_PARTS_H
#define APPLETS_CLM_EXPORT_PARTS_H

#include "base/opt.h"
#include "export/csv.h"
#include "store/inventory/inventory.h"

struct export_options {
    const char *data, *format, *rows, *out, *prove;
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

enum { EXPORT_CHUNK = 256 << 10, EXPORT_ITEM_MAX = 64 << 20 };

enum err export_stream_open(struct export_stream *s, struct env *env, const char *path) MUST_CHECK;
/* Between rows: writes the chunk where it is full. False: something failed. */
bool export_stream_step(struct export_stream *s);
enum err export_stream_close(struct export_stream *s) MUST_CHECK;

/* One export under way. */
struct export_run {
    const struct export_options *options;
    struct inventory *inv;
    struct export_stream stream;
    struct csv csv;
    struct buf spare;
    struct arena arena;     /* for one page, or one item */
    uint64_t rows, skipped; /* written; left out since they do not parse */
};

/* A format of one kind of rows. `write` fills the stream; ERR_OK or the fault. */
struct export_format {
    const char *format, *rows;
    bool is_csv;
    enum err (*write)(struct export_run *run, struct fault *f);
};

/* proof.c: instead of an export. The exit status. */
int export_verify(struct env *env, const struct opt_common *common, const char *path);
int export_prove(struct env *env, const struct opt_common *common, const char *path,
                 const struct export_options *o);

enum err export_csv_certificates(struct export_run *run, struct fault *f) MUST_CHECK;
enum err export_csv_endpoints(struct export_run *run, struct fault *f) MUST_CHECK;
enum err export_csv_observations(struct export_run *run, struct fault *f) MUST_CHECK;
enum err export_pem_certificates(struct export_run *run, struct fault *f) MUST_CHECK;
enum err export_ndjson_certificates(struct export_run *run, struct fault *f) MUST_CHECK;
enum err export_ndjson_observations(struct export_run *run, struct fault *f) MUST_CHECK;

#endif
