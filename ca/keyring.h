#ifndef CA_KEYRING_H
#define CA_KEYRING_H

#include "ca/authority.h"
#include "ca/key.h"

/*
 * The keys of an authority's CAs, each loaded when it is first needed.  They
 * lie encrypted in private/; the root's may lie on a medium elsewhere.
 */
struct keyring;

/* How to open them. */
struct keyring_source {
	struct sn_secret passphrase;      /* Of private/. */
	struct sn_secret root_passphrase; /* Empty: the same. */
	const char *root_file;            /* Where the root's is; or NULL. */
};

/** keyring_open(a, source, out, why): takes both secrets, also on failure;
 * ${source}->root_file and ${a} outlive the ring. */
enum sn_err keyring_open(const struct authority *a,
    struct keyring_source *source, struct keyring **out,
    struct sn_why *why) SN_MUST_USE;

/** keyring_free(ring): wipes what it holds; NULL is fine. */
void keyring_free(struct keyring *ring);

/** keyring_has(ring, id): whether the key of that CA is here. */
bool keyring_has(const struct keyring *ring, uint32_t id);

/** keyring_path(a, id, out): where that CA's key lies in the folder. */
const char *keyring_path(
    const struct authority *a, uint32_t id, char out[PATH_BYTES]);

/** keyring_passphrase(ring): what the keys in private/ open with. */
const struct sn_secret *keyring_passphrase(const struct keyring *ring);

/** keyring_named_root(ring): whether the root's key was named expressly. */
bool keyring_named_root(const struct keyring *ring);

/**
 * keyring_key(ring, id, out, why):
 * The key of that CA, which stays the ring's.  SN_EPASSPHRASE, SN_EMODE;
 * SN_ENOTFOUND with the place the root's key was moved to; SN_EDENIED when
 * what was named is not this root's key.
 */
enum sn_err keyring_key(struct keyring *ring, uint32_t id,
    const struct key **out, struct sn_why *why) SN_MUST_USE;

/** keyring_moved(txn, out): where the root's key was moved to, as noted in
 * the books; "" when it was not. */
enum sn_err keyring_moved(struct sn_txn *txn, char out[PATH_BYTES]) SN_MUST_USE;

/** keyring_note_moved(txn, path): note it. */
enum sn_err keyring_note_moved(
    struct sn_txn *txn, const char *path) SN_MUST_USE;

#endif
