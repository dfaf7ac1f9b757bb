"""Pushes of actions, with what Convex's library would put into their bundle.

Not here: pushing (``pushed_project.py``); bundles that the command line made (``acceptance``).
"""

from collections.abc import Mapping

from tests.engine.pushed_project import Tree, push

# What the library makes of functions and of a router, as far as the tests use it.
LIBRARY = """
const call = async (op, args) => {
  try {
    return JSON.parse(await Convex.asyncSyscall(op, JSON.stringify(args)));
  } catch (error) {
    const again = new Error(error.message);
    if (error.data !== undefined) {
      again.data = error.data;
    }
    throw again;
  }
};
const context = (requestId) => {
  const run = (kind) => (name, args = {}) =>
    call(`1.0/actions/${kind}`, { name, args, version: "1.48.0", requestId });
  return {
    call: (op, args = {}) => call(`1.0/${op}`, { requestId, version: "1.48.0", ...args }),
    runQuery: run("query"),
    runMutation: run("mutation"),
    runAction: run("action"),
    storage: {
      store: (blob, options) => Convex.jsSyscall("storage/storeBlob", { blob, options }),
      get: (storageId) => Convex.jsSyscall("storage/getBlob", { storageId }),
    },
  };
};
const any = () => '{"type":"any"}';
const text = (result) => JSON.stringify(result === undefined ? null : result);
const action = (handler, visibility = "isPublic") => ({
  isAction: true, [visibility]: true, exportArgs: any, exportReturns: () => "null",
  invokeAction: async (requestId, args) =>
    text(await handler(context(requestId), ...JSON.parse(args))),
});
const transaction = { call: (op, args) => call(`1.0/${op}`, args) };
const mutation = (handler) => ({
  isMutation: true, isPublic: true, exportArgs: any, exportReturns: () => "null",
  invokeMutation: async (args) => text(await handler(transaction, ...JSON.parse(args))),
});
const query = (handler) => ({
  isQuery: true, isPublic: true, exportArgs: any, exportReturns: () => "null",
  invokeQuery: async (args) => text(await handler(transaction, ...JSON.parse(args))),
});
class ConvexError extends Error {
  constructor(data) {
    super(JSON.stringify(data));
    this.name = "ConvexError";
    this.data = JSON.stringify(data);
    this[Symbol.for("ConvexError")] = true;
  }
}
const router = (...routes) => ({
  isRouter: true,
  getRoutes: () => routes,
  runRequest: async (requestText, path) => {
    const request = Convex.jsSyscall("requestFromConvexJson",
      { convexJson: JSON.parse(requestText) });
    const method = request.method === "HEAD" ? "GET" : request.method;
    const [, , handler] = routes.find(([each, its]) => its === method &&
      (each.endsWith("*") ? path.startsWith(each.slice(0, -1)) : each === path));
    const response = await handler(context(""), request);
    return JSON.stringify(Convex.jsSyscall("convexJsonFromResponse", { response }));
  },
});
export { action as a, mutation as b, query as c, ConvexError as d, router as e };
"""
_IMPORTS = (
    "import {\n  a as action,\n  b as mutation,\n  c as query,\n  d as ConvexError,\n"
    '  e as router\n} from "./_deps/LIBRARY.js";\n'
)
_NODE_LIBRARY = "_deps/node/LIBRARY.js"


def push_of(
    modules: Mapping[str, str],
    *tables: Tree,
    node: Mapping[str, str] | None = None,
    packages: Mapping[str, str] | None = None,
) -> Tree:
    """Return a push of modules that may use the library; ``node`` are those with "use node"."""
    body = push(
        {
            "_deps/LIBRARY.js": LIBRARY,
            **{path: _IMPORTS + source for path, source in modules.items()},
        },
        *tables,
    )
    changed = body["appDefinition"]["changedModules"]
    if node is not None:
        imports = _IMPORTS.replace("./_deps/LIBRARY.js", f"./{_NODE_LIBRARY}")
        sources = {_NODE_LIBRARY: LIBRARY, **{path: imports + it for path, it in node.items()}}
        changed += [
            {"path": path, "source": source, "environment": "node"}
            for path, source in sources.items()
        ]
    body["nodeDependencies"] = [
        {"name": name, "version": version} for name, version in (packages or {}).items()
    ]
    return body
