#ifndef BENCH_PEOPLE_H
#define BENCH_PEOPLE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/name.h"
#include "lib/secret.h"
#include "lib/tls.h"

#define PEOPLE_TOKEN_MAX 256

/* A certificate, and how whoever holds it logs in. */
struct person {
	char name[SN_NAME_MAX + 1];
	char device[SN_NAME_MAX + 1];
	char *dir;                  /* With cert.pem, key.pem and ca.pem. */
	struct sn_tls_context *tls; /* NULL until it is first needed. */
	uint8_t token[PEOPLE_TOKEN_MAX];
	size_t token_size; /* 0: none. */
};

/* Everybody that the load can be, sorted by name. */
struct people {
	struct person *all;
	size_t count;
	struct sn_secret password; /* The one of all of them, or empty. */
};

/**
 * people_open(dir, out, why):
 * Those of a folder as `sicher-ca issue` fills it: NAME/DEVICE/cert.pem,
 * key.pem and ca.pem; of several devices the first by name.  SN_ENOTFOUND when there is none, SN_EIO, SN_ENOMEM.
 */
enum sn_err people_open(
    const char *dir, struct people *out, struct sn_why *why) SN_MUST_USE;
void people_free(struct people *people);

/**
 * people_tls(person, alpn, why):
 * Its context in person->tls, made once; for servers of SicherNetz with
 * ${alpn}, for others without.
 */
enum sn_err people_tls(
    struct person *person, bool alpn, struct sn_why *why) SN_MUST_USE;

/**
 * people_load_tokens(people, path, why), people_save_tokens(...):
 * The resume tokens of all, a line "name device hex" each, in a file that
 * nobody else may read.  A file that is not there holds none; lines of
 * strangers are passed over.  SN_EMODE, SN_EINVAL (no such line), SN_EIO.
 */
enum sn_err people_load_tokens(
    struct people *people, const char *path, struct sn_why *why) SN_MUST_USE;
enum sn_err people_save_tokens(const struct people *people, const char *path,
    struct sn_why *why) SN_MUST_USE;

#endif
