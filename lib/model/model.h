/* The room's public header: what is looked at and what was seen.
 *
 *   name.h         host names in their one form
 *   protocol.h     what a port speaks, by table
 *   ports.h        sets of ports
 *   target.h       what a person configured; counting and unfolding it
 *   target_file.h  the `targets` file, lists on the command line
 *   endpoint.h     endpoint and face, and their identities
 *   observation.h  what one probe saw: outcome, stage, one JSON reader and writer
 *   confirmation.h what was seen again, in a few bytes
 *   summary.h      the two accounts of a scan
 *   passes.h       when each target was last passed over completely
 *
 * The certificate object has its own header (model/certificate.h). Nothing here
 * opens a connection; only target_file and passes touch files.
 */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include "model/confirmation.h"
#include "model/endpoint.h"
#include "model/name.h"
#include "model/observation.h"
#include "model/passes.h"
#include "model/ports.h"
#include "model/protocol.h"
#include "model/summary.h"
#include "model/target.h"
#include "model/target_file.h"

#endif
