;; Calls a function with a map, as `clojure -X` and `clojure -T` do: [function] (key value)* [map]. What the aliases say is in the
;; basis; runs with the project's packages, so it needs nothing but Clojure.
(ns exec
  (:require [clojure.edn :as edn]))

(defn- qualified
  "The function's whole name, with the aliases' namespaces."
  [function {:keys [ns-default ns-aliases]}]
  (let [space (some-> function namespace symbol)]
    (cond
      space (symbol (str (get ns-aliases space space)) (name function))
      ns-default (symbol (str ns-default) (name function))
      :else (throw (ex-info (str "The function " function " needs a namespace, or its alias :ns-default.") {})))))

(defn- arguments
  "The map of the alias with the keys, paths of keys and the map of the command line."
  [given words]
  (let [last-map (when (odd? (count words)) (last words))]
    (merge (reduce (fn [all [path value]] (assoc-in all (if (vector? path) path [path]) value))
                   given
                   (partition 2 words))
           last-map)))

(defn -main [& words]
  (let [argmap (:argmap (edn/read-string {:default tagged-literal} (slurp (System/getProperty "clojure.basis"))))
        values (map #(edn/read-string {:default tagged-literal} %) words)
        [named others] (if (symbol? (first values)) [(first values) (rest values)] [nil values])
        function (or named (:exec-fn argmap))]
    (when-not function
      (throw (ex-info "No function is named, neither behind the option nor as :exec-fn of the alias." {})))
    (let [whole (qualified function argmap)]
      (require (symbol (namespace whole)))
      ((or (resolve whole) (throw (ex-info (str "There is no function " whole ".") {})))
       (arguments (:exec-args argmap) others))
      (shutdown-agents))))
