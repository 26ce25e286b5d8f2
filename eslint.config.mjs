// The rules for JavaScript: ESLint's recommended ones, short lines, and names that say one thing.
import js from "@eslint/js";
import globals from "globals";

const FRONT = "supsup_lite/explorers/js";

export default [
  { ignores: ["**/node_modules/", ".venv/", ".uv/", "build/"] },
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      eqeqeq: "error",
      "max-len": ["error", { code: 100 }],
      "max-lines": ["error", 250],
      "no-implicit-globals": "error",
      "no-param-reassign": "off", // arrays and pictures are changed in place
      "no-shadow": "error",
      "no-throw-literal": "error",
      "no-unused-vars": "error",
      "no-use-before-define": ["error", { functions: false, variables: false }],
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
      "prefer-template": "off", // a long sentence is a sum of short lines
    },
  },
  {
    files: [`${FRONT}/namespace.js`],
    languageOptions: { sourceType: "script" },
    rules: { "no-implicit-globals": "off" }, // the one global there is
  },
  {
    files: [`${FRONT}/{parts,sums,words}/*.js`],
    languageOptions: {
      sourceType: "script",
      globals: { ...globals.browser, supsup: "readonly" },
    },
  },
  {
    files: [`${FRONT}/views/*.js`],
    languageOptions: {
      sourceType: "module",
      globals: { ...globals.browser, supsup: "readonly" },
    },
  },
  {
    files: ["notebooks/_site/static/*.js"],
    languageOptions: { sourceType: "script", globals: globals.browser },
  },
];
