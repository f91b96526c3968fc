#ifndef SERVER_PARENT_INPUT_H
#define SERVER_PARENT_INPUT_H

#include <stdio.h>

#include "server/base/material.h"
#include "server/base/settings.h"

/* What a start or a reload goes by: the configuration, and the files that it
 * names. */
struct input {
	struct settings *settings;
	struct material *material;
};

/**
 * input_read(path, out, report):
 * Read and check all of it, every error in ${report}: what `sicherd -t` does.
 * ${out} holds nothing on failure.
 */
enum sn_err input_read(const char *path, struct input *out,
    struct sn_conf_report *report) SN_MUST_USE;

/** input_warn(input, to): a line about each certificate and list in what
 * input_read found good that has ended or will soon; how many there are. */
unsigned input_warn(const struct input *input, FILE *to);

void input_free(struct input *input);

#endif
