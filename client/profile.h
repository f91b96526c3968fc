#ifndef SN_CLIENT_PROFILE_H
#define SN_CLIENT_PROFILE_H

#include <limits.h>
#include <stdio.h>

#include "lib/err.h"

/*
 * Who we are and where the server is: one libconfig file, whose keys stand
 * in one table (sicher.conf(5)).
 */
struct profile {
	/* As in the file. */
	char *server; /* "host:port" */
	char *authority, *certificate, *key;
	char *key_passphrase_file, *password_file; /* "": none. */
	char *state_dir;                           /* "": the usual one. */

	/* Made of it. */
	char path[PATH_MAX];
	char host[256], port[16];
	char state[PATH_MAX]; /* The profile's own folder. */
};

/**
 * profile_read(name, out, why):
 * Read the profile ${name}: a name in $XDG_CONFIG_HOME/sicher, a path (it
 * has a slash in it or ends with .conf), or NULL for $SICHER_PROFILE and
 * then "default".  SN_ECONF, SN_ENOTFOUND with how to make one.
 */
enum sn_err profile_read(
    const char *name, struct profile *out, struct sn_why *why) SN_MUST_USE;

/** profile_free(profile): what profile_read allocated. */
void profile_free(struct profile *profile);

/** profile_state(profile, why): make its folder of state. */
enum sn_err profile_state(
    const struct profile *profile, struct sn_why *why) SN_MUST_USE;

/** profile_sample(to): a commented profile. */
void profile_sample(FILE *to);

#endif
