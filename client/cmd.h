#ifndef SN_CLIENT_CMD_H
#define SN_CLIENT_CMD_H

#include <stdbool.h>
#include <stdint.h>

#include "client/core.h"
#include "lib/cli.h"

/* The commands; each returns the exit status.  What they do stands in the
 * tables of main.c, and in sicher(1). */
int cmd_send(struct sn_cli *cli);
int cmd_listen(struct sn_cli *cli);
int cmd_chat(struct sn_cli *cli);
int cmd_history(struct sn_cli *cli);
int cmd_receipts(struct sn_cli *cli);
int cmd_devices(struct sn_cli *cli);
int cmd_presence(struct sn_cli *cli);
int cmd_signal(struct sn_cli *cli);
int cmd_whoami(struct sn_cli *cli);
int cmd_passwd(struct sn_cli *cli);
int cmd_room_create(struct sn_cli *cli);
int cmd_room_join(struct sn_cli *cli);
int cmd_room_leave(struct sn_cli *cli);
int cmd_room_invite(struct sn_cli *cli);
int cmd_room_remove(struct sn_cli *cli);
int cmd_room_list(struct sn_cli *cli);
int cmd_room_members(struct sn_cli *cli);
int cmd_room_topic(struct sn_cli *cli);
int cmd_room_delete(struct sn_cli *cli);
int cmd_room_history(struct sn_cli *cli);
int cmd_room_owner(struct sn_cli *cli);

/**
 * cmd_number(cli, option, usual, most, out):
 * An option's value as a number of at most ${most}, or ${usual} without it.
 */
bool cmd_number(const struct sn_cli *cli, const char *option, uint64_t usual,
    uint64_t most, uint64_t *out);

/* A command that asks about a person or room, and prints each answer. */
struct cmd_listing {
	uint32_t (*ask)(struct core *core, const char *of);
	enum core_type type; /* Of the answers, before CORE_END. */
	void (*show)(const struct core_event *ev, bool json);
	const char *none; /* What is said where there is none. */
};

/** cmd_list(cli, listing): of its first argument, or without one of
 * oneself; the exit status. */
int cmd_list(struct sn_cli *cli, const struct cmd_listing *listing);

#endif
