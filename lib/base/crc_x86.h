/* CRC-32 by instructions of the processor. Private to lib/base (zip.c). */
#ifndef BASE_CRC_X86_H
#define BASE_CRC_X86_H

#include "base/bytes.h"

/* Takes as much of the begin of b as it can, which may be nothing; how many bytes. *crc goes on
 * where it stood, as zip_crc32 has it. */
size_t crc_x86(uint32_t *crc, struct bytes b);

#endif
