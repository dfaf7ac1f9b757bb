/**
 * A deck of cards by the official `usePaginatedQuery`, for `../test_browser_pages.py`.
 *
 * Whatever React shows is kept in `window.recorded`. The address says which hook and which query.
 */
import { useLayoutEffect } from "react";
import { createRoot } from "react-dom/client";
import {
  ConvexProvider,
  ConvexReactClient,
  usePaginatedQuery,
  usePaginatedQuery_experimental,
} from "convex/react";
import { anyApi } from "convex/server";

const PAGE_SIZE = 4;
const options = new URLSearchParams(window.location.search);
const client = new ConvexReactClient(window.location.origin);
window.recorded = [];
window.client = client;

const queries = {
  up: [anyApi.cards.list, { deck: "d" }, (card) => card.rank],
  down: [anyApi.cards.list_downwards, { deck: "d", rank_min: 0 }, (rank) => rank],
};
const [query, args, rankOf] = queries[options.get("query")];

function Deck({ results, status, loadMore }) {
  const ranks = results.map(rankOf);
  useLayoutEffect(() => {
    window.recorded.push(ranks);
    window.shown = { ranks, status };
    window.loadMore = () => loadMore(PAGE_SIZE);
  });
  return (
    <p>
      {status}: {ranks.join(" ")}
    </p>
  );
}

function PlainDeck() {
  return <Deck {...usePaginatedQuery(query, args, { initialNumItems: PAGE_SIZE })} />;
}

function NewDeck() {
  return <Deck {...usePaginatedQuery_experimental(query, args, { initialNumItems: PAGE_SIZE })} />;
}

createRoot(document.getElementById("root")).render(
  <ConvexProvider client={client}>
    {options.get("hook") === "new" ? <NewDeck /> : <PlainDeck />}
  </ConvexProvider>,
);
