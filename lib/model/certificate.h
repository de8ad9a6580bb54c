/* The certificate object of `ers scan`, `ers inspect` and the API: its one writer. */
#ifndef MODEL_CERTIFICATE_H
#define MODEL_CERTIFICATE_H

#include "base/json.h"
#include "x509/x509.h"

/* Writes the members ("type":"certificate" first) into the object that the caller
 * has opened and will close, so that it can add its own behind them. Checks the
 * signature of self-issued certificates (`self_signed` is null where that cannot be
 * done); a time that cannot be read is null. Errors gather in j->out. */
void model_certificate_json(struct json *j, const struct x509_cert *cert, bool with_pem);

#endif
