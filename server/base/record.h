#ifndef SERVER_BASE_RECORD_H
#define SERVER_BASE_RECORD_H

#include "lib/bytes.h"
#include "lib/err.h"

/*
 * What is stored is a record: a version byte, the fields, and a CRC-32 over
 * both, so that damage is noticed in the record that has it.
 */
#define RECORD_CHECKSUM 4
#define RECORD_OVERHEAD (1 + RECORD_CHECKSUM)

/** record_begin(w, version): the first byte. */
void record_begin(struct sn_wr *w, uint8_t version);

/** record_finish(w): the checksum over all that ${w} holds. */
void record_finish(struct sn_wr *w);

/**
 * record_open(value, version, out):
 * Check the record and set *${out} to its fields.  SN_ECORRUPT when the
 * checksum is wrong, SN_ENEWER when its version is above ${version}.
 */
enum sn_err record_open(
    struct sn_bytes value, uint8_t version, struct sn_rd *out) SN_MUST_USE;

#endif
