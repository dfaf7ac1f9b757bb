/**
 * Runs the unmodified npm client by commands from a test.
 *
 * Commands come as lines of JSON on standard input, `{id, operation, ...}`. Each is answered by
 * one line, `{id, value}` or `{id, error}`. What happens in between is told by lines with an
 * `event`. Values cross in the encoding of `convexToJson`, so that 64-bit integers and bytes
 * survive.
 *
 * Not here: what to do and what to expect (`../test_npm_client.py`).
 */
import { createInterface } from "node:readline";
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { makeFunctionReference } from "convex/server";
import { ConvexError, convexToJson, jsonToConvex } from "convex/values";

const url = process.argv[2];
const subscriptions = new Map();
const paginated = new Map();

function tell(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

function logger(source) {
  const teller =
    (level) =>
    (...parts) =>
      tell({ event: "console", source, level, text: parts.map(String).join(" ") });
  return {
    log: teller("log"),
    warn: teller("warn"),
    error: teller("error"),
    logVerbose: () => {},
  };
}

// React keeps rejections to itself; here each one must be seen.
process.on("unhandledRejection", (error) => tell({ event: "unhandled", text: String(error) }));
process.on("uncaughtException", (error) => tell({ event: "unhandled", text: String(error) }));

const client = new ConvexClient(url, { logger: logger("socket") });
const httpClient = new ConvexHttpClient(url, { logger: logger("http") });

client.subscribeToConnectionState(({ isWebSocketConnected, connectionCount }) => {
  tell({ event: "connection", isWebSocketConnected, connectionCount });
});

function describeError(error) {
  const isConvexError = error instanceof ConvexError;
  return {
    name: error.name,
    message: error.message,
    isConvexError,
    ...(isConvexError ? { data: convexToJson(error.data) } : {}),
  };
}

function reference(command) {
  return makeFunctionReference(command.path);
}

function args(command) {
  return jsonToConvex(command.args ?? {});
}

/** Append a value to a query that returns a list, until the mutation is confirmed. */
function optimisticUpdate({ path, args: queryArgs, append }) {
  return (store) => {
    const query = makeFunctionReference(path);
    const shown = store.getQuery(query, jsonToConvex(queryArgs));
    if (shown !== undefined) {
      store.setQuery(query, jsonToConvex(queryArgs), [...shown, jsonToConvex(append)]);
    }
  };
}

const operations = {
  query: (command) => client.query(reference(command), args(command)),
  mutation: (command) =>
    client.mutation(
      reference(command),
      args(command),
      command.optimistic ? { optimisticUpdate: optimisticUpdate(command.optimistic) } : undefined,
    ),
  action: (command) => client.action(reference(command), args(command)),
  subscribe: (command) => {
    const { name } = command;
    const unsubscribe = client.onUpdate(
      reference(command),
      args(command),
      (value) => tell({ event: "update", name, value: convexToJson(value) }),
      (error) => tell({ event: "failure", name, error: describeError(error) }),
    );
    subscriptions.set(name, unsubscribe);
    return null;
  },
  subscribePages: (command) => {
    const { name, initialNumItems } = command;
    const unsubscribe = client.onPaginatedUpdate_experimental(
      reference(command),
      args(command),
      { initialNumItems },
      (found) => {
        paginated.set(name, found);
        const value = { results: found.results, status: found.status };
        tell({ event: "update", name, value: convexToJson(value) });
      },
      (error) => tell({ event: "failure", name, error: describeError(error) }),
    );
    subscriptions.set(name, unsubscribe);
    return null;
  },
  loadMore: ({ name, count }) => paginated.get(name).loadMore(count),
  unsubscribe: ({ name }) => {
    subscriptions.get(name)();
    subscriptions.delete(name);
    return null;
  },
  setAuth: ({ token }) => {
    client.setAuth(
      async () => token,
      (isAuthenticated) => tell({ event: "auth", isAuthenticated }),
    );
    return null;
  },
  setAdminAuth: ({ key }) => {
    client.setAdminAuth(key);
    httpClient.setAdminAuth(key);
    return null;
  },
  httpQuery: (command) => httpClient.query(reference(command), args(command)),
  httpConsistentQuery: (command) => httpClient.consistentQuery(reference(command), args(command)),
  httpMutation: (command) => httpClient.mutation(reference(command), args(command)),
  httpAction: (command) => httpClient.action(reference(command), args(command)),
  httpFunction: (command) => httpClient.function(reference(command), undefined, args(command)),
};

async function carryOut(command) {
  try {
    const value = await operations[command.operation](command);
    tell({ id: command.id, value: convexToJson(value) });
  } catch (error) {
    tell({ id: command.id, error: describeError(error) });
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  void carryOut(JSON.parse(line));
}
await client.close();
