// The one name that all files of the front end share. Each file adds one member, named as itself.
// @ts-check

/* exported supsup */
const supsup = {};
