#ifndef SN_LIB_PASSPHRASE_H
#define SN_LIB_PASSPHRASE_H

#include <stdbool.h>

#include "lib/err.h"
#include "lib/secret.h"

/* No passphrase or password is longer, in bytes. */
#define SN_PASSPHRASE_MAX 1024

/*
 * Where a passphrase or password comes from.  The first source that is set
 * is used: descriptor, file, systemd credential (when the service manager
 * passed one of that name), and at last the terminal.
 */
struct sn_passphrase {
	const char *what; /* "passphrase of the authority": for prompts. */
	const char *fd;   /* Number of an open descriptor, as text; or NULL. */
	const char *file; /* A file that nobody else can read; or NULL. */
	const char *credential; /* A name in $CREDENTIALS_DIRECTORY; or NULL. */
	const char *hint; /* How else to give it: "--passphrase-file FILE". */
	bool is_new;      /* Ask twice. */
	size_t least;     /* Characters that a new one has, or more. */
};

/**
 * sn_passphrase_read(source, out, why):
 * Read it.  One newline at the end does not belong to it.  Blocks while a
 * person types, with the terminal's echo off; the terminal is put right
 * before any signal acts.
 *
 * SN_EINVAL: empty, too short, too long, not a descriptor, or the two entries differ;
 * SN_EMODE: the file is open to others; SN_ENOTFOUND: no such file;
 * SN_EAUTH: nobody to ask, for there is no terminal.
 */
enum sn_err sn_passphrase_read(const struct sn_passphrase *source,
    struct sn_secret *out, struct sn_why *why) SN_MUST_USE;

#endif
