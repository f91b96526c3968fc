#include "lib/conf.h"

#include <stdlib.h>
#include <string.h>

#include "lib/conf_scan.h"
#include "lib/conf_tree.h"
#include "lib/conf_value.h"
#include "lib/file.h"

#define FILE_MAX ((size_t)1 << 20)

static enum sn_err read_text(const struct sn_conf_tree *tree, const char *text)
{
	enum sn_err err;

	sn_conf_report_clear(tree->report);
	if ((err = sn_conf_scan(text, tree->file, tree->report)) != SN_OK ||
	    (err = sn_conf_tree_read(tree, text)) != SN_OK)
		return (err);
	if (tree->report->errors == 0)
		return (SN_OK);
	sn_conf_free(tree->keys, tree->count, tree->out);
	return (SN_ECONF);
}

static enum sn_err read_file(const struct sn_conf_tree *tree)
{
	struct sn_why why = { "" };
	enum sn_err err;
	char *text;
	size_t n;

	sn_conf_report_clear(tree->report);
	err = sn_file_read(tree->file, FILE_MAX, &text, &n, &why);
	if (err == SN_ENOTFOUND)
		sn_conf_report_add(tree->report, tree->file, 0,
		    "there is no such file; --sample-config prints one to "
		    "begin with");
	else if (err != SN_OK)
		sn_conf_report_add(tree->report, tree->file, 0, "%s", why.text);
	if (err != SN_OK)
		return (err);
	err = read_text(tree, text);
	free(text);
	return (err);
}

enum sn_err sn_conf_read(const char *path, const struct sn_conf_key *keys,
    size_t count, void *out, struct sn_conf_report *report)
{
	return (sn_conf_read_groups(
	    path, keys, count, out, NULL, NULL, NULL, report));
}

enum sn_err sn_conf_read_text(struct sn_bytes text, const char *name,
    const struct sn_conf_key *keys, size_t count, void *out,
    struct sn_conf_report *report)
{
	struct sn_conf_tree tree = { .file = name,
		.keys = keys,
		.count = count,
		.out = out,
		.report = report };
	char *copy = strndup(text.p, text.n);
	enum sn_err err;

	if (copy == NULL)
		return (SN_ENOMEM);
	err = read_text(&tree, copy);
	free(copy);
	return (err);
}

enum sn_err sn_conf_read_groups(const char *path,
    const struct sn_conf_key *keys, size_t count, void *out,
    const struct sn_conf_groups *groups, sn_conf_each *each, void *arg,
    struct sn_conf_report *report)
{
	struct sn_conf_tree tree = { .file = path,
		.keys = keys,
		.count = count,
		.out = out,
		.groups = groups,
		.each = each,
		.arg = arg,
		.report = report };

	return (read_file(&tree));
}

void sn_conf_free(const struct sn_conf_key *keys, size_t count, void *out)
{
	for (size_t i = 0; i < count; i++)
		sn_conf_value_free(&keys[i], out);
}
