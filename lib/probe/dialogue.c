/* What is said before the ClientHello, one row a protocol. */
#include "probe/inner.h"

static const enum model_protocol rows[] = {
    MODEL_TLS, /* nothing */
};

bool dialogue_known(enum model_protocol p) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i] == p)
            return true;
    return false;
}
