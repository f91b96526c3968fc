#ifndef SERVER_NET_FRONT_H
#define SERVER_NET_FRONT_H

#include <stdio.h>

#include "server/base/material.h"
#include "server/net/net_impl.h"

/*
 * What net meets the network with: the gate and the TLS context, made from
 * the bytes of the files that the parent has read.
 */

/** Most bytes of each file: a CRL of 100,000 entries is some 4 MiB. */
#define FRONT_FILE_MAX (64U * 1024 * 1024)

/**
 * front_new(net, settings, authority, crl, chain, gate, tls, why):
 * Check and build both; the lists may not be older than those of the gate
 * in force.
 */
enum sn_err front_new(struct net *net, const struct settings *settings,
    struct sn_bytes authority, struct sn_bytes crl, struct sn_bytes chain,
    struct gate **gate, struct sn_tls_context **tls,
    struct sn_why *why) SN_MUST_USE;

/**
 * front_check(settings, material, why):
 * Whether a gate can be made of these files, and the server's certificate
 * is one: without a process or a key.
 */
enum sn_err front_check(const struct settings *settings,
    const struct material *material, struct sn_why *why) SN_MUST_USE;

/**
 * front_warn(settings, material, to):
 * A line about each certificate and list of files that front_check finds
 * good, where it has ended or will within the time that the log would say so;
 * how many there are.
 */
unsigned front_warn(
    const struct settings *settings, const struct material *material, FILE *to);

/** front_swap(net, settings, gate, tls): take all three and give them to
 * every loop; returns how many sessions the new gate closed. */
unsigned front_swap(struct net *net, struct settings *settings,
    struct gate *gate, struct sn_tls_context *tls);

#endif
