// Read in build/clients/typescript-tools, to which it is copied.
export default {
  input: '../../../docs/openapi.json',
  output: { path: '../typescript/src', module: { extension: '.js' } },
  plugins: [
    '@hey-api/typescript',
    { name: '@hey-api/client-fetch', throwOnError: true },
    { name: '@hey-api/sdk', operations: { strategy: 'single', containerName: 'Cloudbash' } },
  ],
};
