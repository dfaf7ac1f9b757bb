/**
 * Notes of whoever is signed in, by the official `ConvexProviderWithAuth`, for
 * `../test_browser_sign_in.py`.
 *
 * Tokens come from the issuer that the address names. Whatever React shows is kept in
 * `window.recorded`.
 */
import { useCallback, useLayoutEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import {
  Authenticated,
  ConvexProviderWithAuth,
  ConvexReactClient,
  Unauthenticated,
  useConvexAuth,
  useMutation,
  useQuery,
} from "convex/react";
import { anyApi } from "convex/server";

const options = new URLSearchParams(window.location.search);
const client = new ConvexReactClient(window.location.origin, {
  authRefreshTokenLeewaySeconds: Number(options.get("leeway") ?? 10),
});
window.recorded = [];

function useIssuer() {
  const [user, setUser] = useState(null);
  window.signIn = setUser;
  window.signOut = () => setUser(null);
  const fetchAccessToken = useCallback(async () => {
    const response = await fetch(`${options.get("issuer")}/token?user=${user}`);
    return response.ok ? await response.text() : null;
  }, [user]);
  return { isLoading: false, isAuthenticated: user !== null, fetchAccessToken };
}

function Notes() {
  const { isAuthenticated } = useConvexAuth();
  const whoami = useQuery(anyApi.notes.whoami) ?? null;
  const mine = useQuery(anyApi.notes.mine) ?? null;
  window.write = useMutation(anyApi.notes.write);
  useLayoutEffect(() => {
    window.shown = { isAuthenticated, whoami, mine };
    window.recorded.push(window.shown);
  });
  return <p id="notes">{`${whoami}: ${mine?.join(" ")}`}</p>;
}

createRoot(document.getElementById("root")).render(
  <ConvexProviderWithAuth client={client} useAuth={useIssuer}>
    <Notes />
    <Authenticated>
      <p id="in">signed in</p>
    </Authenticated>
    <Unauthenticated>
      <p id="out">signed out</p>
    </Unauthenticated>
  </ConvexProviderWithAuth>,
);
