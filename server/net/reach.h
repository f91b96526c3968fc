#ifndef SERVER_NET_REACH_H
#define SERVER_NET_REACH_H

#include "lib/store.h"
#include "lib/subject.h"

/*
 * Whether the accounts can be reached by certificates: at the start, and
 * when an operator asks.
 */
struct reach_finding {
	const char *word;    /* "unreachable", "unused", "ambiguous". */
	const char *account; /* Its name. */
	const char *subject; /* What is mapped, or "". */
	const char *why;     /* A sentence with what to do. */
};

/**
 * reach_check(txn, rule, found, arg, accounts):
 * Call ${found} for each account that no certificate can open under ${rule},
 * each mapping that no certificate can meet, and each that leads elsewhere
 * than the name in it, whose certificates are therefore refused.
 * *${accounts} is how many there are.
 */
enum sn_err reach_check(struct sn_txn *txn, enum sn_subject_rule rule,
    void (*found)(void *arg, const struct reach_finding *finding), void *arg,
    uint64_t *accounts) SN_MUST_USE;

/**
 * reach_namesake(txn, rule, name, out, taken):
 * The mapping (*${taken}: there is one) of another account whose subject
 * would be ambiguous as soon as there is an account ${name}.
 */
struct mapping;
enum sn_err reach_namesake(struct sn_txn *txn, enum sn_subject_rule rule,
    const char *name, struct mapping *out, bool *taken) SN_MUST_USE;

#endif
