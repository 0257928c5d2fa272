// @ts-check
import jupyter from '@jupyter/eslint-plugin';
import hooks from 'eslint-plugin-react-hooks';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

const FEATURES = ['clusters', 'status'];
const PAGES = 'hub_ext/sandlot_hub/spawner/static';
const PAGES_TESTS = 'tests/unit/sandlot_hub/spawner/static';

/**
 * @param {string} folder
 * @returns the rule that lets `folder` import `shared/` and tokens of features only
 */
function walls(folder) {
  const others = FEATURES.filter(feature => feature !== folder);
  return {
    files: [`labextension/src/${folder}/**/*.{ts,tsx}`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: others.map(other => ({
            group: [`**/${other}/*`, `!**/${other}/tokens`],
            message: `Of ${other}, only its tokens.ts may be imported.`
          }))
        }
      ]
    }
  };
}

export default defineConfig([
  { ignores: ['labextension/lib', 'labextension/src/wire.ts'] },
  { plugins: { jupyter } },
  jupyter.configs.recommended,
  {
    extends: [
      tseslint.configs.strictTypeChecked,
      tseslint.configs.stylisticTypeChecked,
      hooks.configs.flat.recommended
    ],
    files: ['labextension/src/**/*.{ts,tsx}'],
    languageOptions: {
      parserOptions: {
        project: 'labextension/tsconfig.test.json',
        tsconfigRootDir: process.cwd()
      }
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'inline-type-imports' }
      ],
      // Jupyter's way: an interface and the token of the same name begin with an I.
      '@typescript-eslint/naming-convention': [
        'error',
        { format: ['PascalCase'], prefix: ['I'], selector: 'interface' }
      ],
      // `namespace StatusItem { interface IOptions }` is Jupyter's way as well.
      '@typescript-eslint/no-namespace': 'off',
      // Interpolating a number says what it says.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true }
      ],
      eqeqeq: 'error',
      'prefer-arrow-callback': 'error'
    }
  },
  {
    // Modules of the hub's pages: the browser loads them as they are, so their types are in JSDoc.
    extends: [
      tseslint.configs.strictTypeChecked,
      tseslint.configs.stylisticTypeChecked
    ],
    files: [`${PAGES}/**/*.js`, `${PAGES_TESTS}/**/*.ts`],
    languageOptions: {
      parserOptions: {
        project: 'labextension/tsconfig.pages.json',
        tsconfigRootDir: process.cwd()
      }
    },
    rules: {
      // The same as in Lab: interpolating a number says what it says.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true }
      ],
      eqeqeq: 'error',
      // Pages of the hub have no translator.
      'jupyter/no-untranslated-string': 'off',
      // There is no bundler that could load a part later.
      'jupyter/prefer-lazy-imports': 'off',
      'prefer-arrow-callback': 'error'
    }
  },
  {
    files: ['labextension/src/**/__tests__/**'],
    rules: {
      // The words of a test are not shown to people.
      'jupyter/no-untranslated-string': 'off'
    }
  },
  ...['shared', ...FEATURES].map(walls)
]);
