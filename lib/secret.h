#ifndef SN_LIB_SECRET_H
#define SN_LIB_SECRET_H

#include <stddef.h>

#include "lib/err.h"

/*
 * A secret on its own pages: locked out of swap where the limits allow,
 * left out of cores, and wiped when freed.  ${data} is followed by a NUL
 * that ${len} does not count.
 */
struct sn_secret {
	size_t len;
	char *data;
};

/** sn_secret_new(len, out): a zeroed secret of ${len} bytes. SN_ENOMEM. */
enum sn_err sn_secret_new(size_t len, struct sn_secret *out) SN_MUST_USE;

/** sn_secret_copy(from, len, out): a secret with these bytes. SN_ENOMEM. */
enum sn_err sn_secret_copy(
    const void *from, size_t len, struct sn_secret *out) SN_MUST_USE;

/** sn_secret_free(s): wipe, free and clear ${s}; an empty one is fine. */
void sn_secret_free(struct sn_secret *s);

/** sn_secret_wipe(p, n): overwrite memory where the compiler may not skip. */
void sn_secret_wipe(void *p, size_t n);

/** sn_secret_equal(a, b, n): compare in time that depends on ${n} alone. */
int sn_secret_equal(const void *a, const void *b, size_t n);

/**
 * sn_secret_random(out, n):
 * Fill with bytes of the system's generator (getrandom(2)); aborts the
 * process where the kernel has none to give, for nothing may go on then.
 */
void sn_secret_random(void *out, size_t n);

/**
 * sn_secret_process():
 * Make this process undumpable: no core, no ptrace by its own user.
 */
enum sn_err sn_secret_process(void) SN_MUST_USE;

#endif
