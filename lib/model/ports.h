/* Sets of ports: ascending ranges that neither touch nor overlap. */
#ifndef MODEL_PORTS_H
#define MODEL_PORTS_H

#include "base/arena.h"
#include "base/buf.h"

struct model_port_range {
    uint16_t first, last; /* 1 to 65535, both belong to it */
};

struct model_ports {
    const struct model_port_range *ranges; /* in an arena, or static */
    size_t n;
};

/* The nine ports of a scan without --ports. */
struct model_ports model_ports_default(void);

/* Items separated by commas or blanks: N, N-M, `default`, `starttls`, `database`,
 * `all-known`. ERR_USAGE names the item that is none; an empty list is one. */
enum err model_ports_read(struct arena *a, struct bytes text, struct model_ports *out,
                          struct fault *f) MUST_CHECK;
/* "443,465,8000-9000"; a pair of neighbours is written as two ports. */
void model_ports_write(struct buf *out, const struct model_ports *p);

uint32_t model_ports_count(const struct model_ports *p);
bool model_ports_has(const struct model_ports *p, uint16_t port);
bool model_ports_equal(const struct model_ports *a, const struct model_ports *b);
/* The smallest port of the set that is >= from; 0 where there is none. */
uint16_t model_ports_next(const struct model_ports *p, uint32_t from);
/* *out = a and b; ERR_MEMORY or ERR_LIMIT of the arena. */
enum err model_ports_join(struct arena *arena, const struct model_ports *a,
                          const struct model_ports *b, struct model_ports *out) MUST_CHECK;

/* The same as one bit a port, for sets that change. All zeros is the empty set. */
enum { MODEL_PORT_BITS = 65536 / 8 };

void model_port_bits_add(uint8_t bits[MODEL_PORT_BITS], const struct model_ports *p);
void model_port_bits_drop(uint8_t bits[MODEL_PORT_BITS], const struct model_ports *p);
uint32_t model_port_bits_count(const uint8_t bits[MODEL_PORT_BITS]);
/* The smallest port >= from; 0 where there is none. */
uint16_t model_port_bits_next(const uint8_t bits[MODEL_PORT_BITS], uint32_t from);

#endif
