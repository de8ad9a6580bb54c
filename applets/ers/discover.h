/* Private to `ers discover`: what is asked for, and what is said about it. */
#ifndef APPLETS_ERS_DISCOVER_H
#define APPLETS_ERS_DISCOVER_H

#include "applets/ers/targets.h"

struct discover_options {
    struct opt_list servers, servers_files, ips, ports, paths, excluded;
    const char *protocol, *sni;
    bool is_list, is_remove, is_dry_run, is_large_wanted;
};

/* What the words ask for. Targets have ports where a word or --ports gave some. */
struct plan {
    struct model_target_file wanted; /* its targets and exclusions */
    bool has_ports, has_protocol, has_sni;
    struct model_ports ports;
    enum model_protocol protocol;
    struct bytes sni;
};

enum verb { ADDED, CHANGED, UNCHANGED, REMOVED, VERB_COUNT };

struct discover {
    struct env *env;
    const struct discover_options *options;
    const struct opt_common *common;
    struct arena *arena;
    struct fault *fault;
    struct plan plan;
    struct ers_places places;
    struct model_target_file file;
    struct buf out; /* what is said once all is done */
    size_t lines, changes, by_verb[VERB_COUNT];
};

/* One target or exclusion, before and after; NULL where it was not, or is no more. */
struct change {
    enum verb verb;
    const struct model_target *before, *after;
    bool is_excluded;
};

/* Each appends to d->out, lines for people or objects for --json, and counts. */
void discover_say(struct discover *d, const struct change *c);
void discover_say_default(struct discover *d, const struct model_ports *before);
void discover_say_end(struct discover *d);

bool discover_has_same_ports(const struct model_target *a, const struct model_target *b);

#endif
