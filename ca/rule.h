#ifndef CA_RULE_H
#define CA_RULE_H

#include <stdbool.h>

#include "lib/err.h"

/*
 * One rule of a profile about names.  It concerns names of its own kind, as
 * in RFC 5280, 4.2.1.10, and has the form
 *
 *	dns:example.org     this name and all below it
 *	dns:.example.org    only what is below it
 *	ip:192.0.2.0/24     the addresses of a network; without /N just one
 *	account:alice       this account
 *	account:bot-*       all accounts that begin like this
 */

/** rule_check(rule, why): whether it can be read.  SN_EINVAL. */
enum sn_err rule_check(const char *rule, struct sn_why *why) SN_MUST_USE;

/** rule_concerns(rule, name): whether ${name} ("dns:host", "ip:192.0.2.1",
 * "account:alice") is of the rule's kind. */
bool rule_concerns(const char *rule, const char *name);

/** rule_matches(rule, name): whether it concerns the name and meets it. */
bool rule_matches(const char *rule, const char *name);

#endif
