/* What was seen and is not yet with the server: files in STATE/spool, and their way
 * out.
 *
 *   spool/BATCHID          one push: gzip (RFC 1952) of NDJSON, in this order: one
 *                          {"type":"certificate","sha256":"hex","pem":"..."} a
 *                          certificate, observations, for the last batch of a scan its
 *                          summary. Written whole, synced, then named; so a file that
 *                          has its name is complete.
 *   spool/refused/BATCHID  NDJSON: {"code","detail","line":TEXT} for each line that the
 *                          server would not have
 *
 * BATCHID is 32 hex digits, the first 12 of them milliseconds since 1970, the others
 * random: names sort by age. A batch keeps its id until the server has it, so that
 * one whose answer was lost is stored once.
 *
 * The spool keeps the newest observation of a face, and at most SPOOL_MAX bytes;
 * the oldest batches go first. One process at a time: the scan's lock is held.
 */
#ifndef APPLETS_ERS_SPOOL_H
#define APPLETS_ERS_SPOOL_H

#include "applets/ers/agent.h"

enum {
    SPOOL_MAX = 64 << 20,
    SPOOL_ID_TEXT = 33,
    SPOOL_BATCH_BYTES = 1 << 20, /* of NDJSON, about: then the next batch begins */
    SPOOL_REFUSED_MAX = 200,     /* files in spool/refused; the oldest go */
};

/* A new name. False: no random bytes. */
bool spool_id(const struct env *env, char out[SPOOL_ID_TEXT]);

/* Batches of one scan, as it goes on. */
struct spool_writer {
    const struct agent *agent;
    struct buf certificates, observations;
    char first[SPOOL_ID_TEXT]; /* the first batch written; "" before */
    uint64_t batches;
    enum err err; /* sticky; the fault is that of the first failure */
    struct fault fault;
};

enum err spool_writer_open(struct spool_writer *w, const struct agent *agent,
                           struct fault *f) MUST_CHECK;
void spool_writer_clear(struct spool_writer *w);
void spool_certificate(struct spool_writer *w, const uint8_t sha256[SHA256_SIZE], struct bytes der);
void spool_observation(struct spool_writer *w, const struct model_observation *o);
/* The end of the scan: writes what is left, with the summary. Then drops what newer
 * observations of the same faces make needless, and what is over the size limit; *dropped counts
 * observations of the latter, which are lost. */
enum err spool_finish(struct spool_writer *w, struct bytes summary_json, uint64_t *dropped,
                      struct fault *f) MUST_CHECK;

struct spool_totals {
    uint64_t batches, bytes;
    int64_t oldest_s; /* of the oldest batch; 0: none */
};
enum err spool_measure(const struct agent *agent, struct spool_totals *out,
                       struct fault *f) MUST_CHECK;

struct spool_sent {
    uint64_t batches, observations, certificates, refused, repeated;
    bool is_complete; /* the end of a scan that looked at everything was among them */
};
/* Sends all, oldest first; what the server has is removed. Stops at the first batch
 * that does not go through; what was sent before stays counted. */
enum err spool_push(const struct agent *agent, struct spool_sent *out, struct fault *f) MUST_CHECK;

#endif
