/* How many faces are under way at one address, and who waits for it. */
#include "probe/inner.h"

#include <stdlib.h>
#include <string.h>

void hosts_init(struct hosts *h, uint64_t limit) {
    memset(h, 0, sizeof *h);
    h->limit = limit > 0 ? limit : 1;
}

static void free_list(struct host *at) {
    while (at) {
        struct host *next = at->next;
        free(at);
        at = next;
    }
}

void hosts_clear(struct hosts *h) {
    for (size_t i = 0; i < HOST_BUCKETS; i++)
        free_list(h->buckets[i]);
    free_list(h->unused);
    memset(h, 0, sizeof *h);
}

static struct host **bucket_of(struct hosts *h, const struct ip *ip) {
    uint32_t v = ip->size;
    for (size_t i = 0; i < ip->size; i++)
        v = (v ^ ip->bytes[i]) * UINT32_C(16777619);
    return &h->buckets[(v ^ (v >> 15)) % HOST_BUCKETS];
}

static struct host *find_or_add(struct hosts *h, const struct ip *ip) {
    struct host **bucket = bucket_of(h, ip);
    for (struct host *at = *bucket; at; at = at->next)
        if (ip_equal(&at->ip, ip))
            return at;
    struct host *host = h->unused;
    if (host)
        h->unused = host->next;
    else if (!(host = malloc(sizeof *host)))
        return NULL;
    *host = (struct host){.ip = *ip, .next = *bucket};
    *bucket = host;
    return host;
}

bool hosts_take(struct hosts *h, struct face *face, bool *go) {
    struct host *host = find_or_add(h, &face->ip);
    if (!host)
        return false;
    face->host = host;
    *go = host->active < h->limit;
    if (*go) {
        host->active++;
        return true;
    }
    face->next = NULL;
    if (host->last)
        host->last->next = face;
    else
        host->first = face;
    host->last = face;
    h->waiting++;
    return true;
}

static void forget(struct hosts *h, struct host *host) {
    struct host **at = bucket_of(h, &host->ip);
    while (*at != host)
        at = &(*at)->next;
    *at = host->next;
    host->next = h->unused;
    h->unused = host;
}

struct face *hosts_give(struct hosts *h, struct face *face) {
    struct host *host = face->host;
    face->host = NULL;
    struct face *heir = host->first;
    if (heir) { /* the place passes on */
        host->first = heir->next;
        if (!host->first)
            host->last = NULL;
        heir->next = NULL;
        h->waiting--;
        return heir;
    }
    if (--host->active == 0)
        forget(h, host);
    return NULL;
}
