-- What a person is called: by first and last name, else by the name they sign in with.
CREATE OR REPLACE FUNCTION person_name(first_name text, last_name text, username text)
RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(nullif(btrim(first_name || ' ' || last_name), ''), username)
$$;
