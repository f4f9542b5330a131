import tseslint from 'typescript-eslint';

// The house rules that a linter can hold (test/house.test.ts the imports between folders).
const oneDoor = {
  selector: "MemberExpression[object.name='process'][property.name='env']",
  message: 'Environment variables are read in src/environment only.',
};

export default tseslint.config(
  { ignores: ['dist/', '.dist-*/', 'coverage/'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/consistent-type-definitions': ['error', 'interface'],
      '@typescript-eslint/no-non-null-assertion': 'error',
      eqeqeq: 'error',
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/environment/**'],
    rules: { 'no-restricted-syntax': ['error', oneDoor] },
  },
);
