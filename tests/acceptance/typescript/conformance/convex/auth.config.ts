/** Who may sign in: users of one issuer, whose keys come from the environment. */
export default {
  providers: [
    {
      type: "customJwt",
      issuer: "https://issuer.example",
      applicationID: "app",
      jwks: process.env.AUTH_JWKS,
      algorithm: "ES256",
    },
  ],
};
